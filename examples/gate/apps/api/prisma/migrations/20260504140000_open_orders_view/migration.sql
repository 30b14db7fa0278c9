CREATE VIEW "open_orders" AS
    SELECT o."id", o."placed_at", o."total_cents", u."email"
    FROM "orders" o JOIN "users" u ON u."id" = o."user_id"
    WHERE o."status" IN ('PENDING', 'PAID');

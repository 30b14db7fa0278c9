ALTER TABLE "orders" ADD COLUMN "total_cents" INTEGER NOT NULL DEFAULT 0;

-- Orders that exist get the sum of their items.
DO $$
DECLARE
    changed INTEGER;
BEGIN
    UPDATE "orders" o SET "total_cents" = s.total
    FROM (
        SELECT i."order_id", sum(i."quantity" * p."price_cents") AS total
        FROM "order_items" i JOIN "products" p ON p."id" = i."product_id"
        GROUP BY i."order_id"
    ) s
    WHERE s."order_id" = o."id";
    GET DIAGNOSTICS changed = ROW_COUNT;
    RAISE NOTICE 'recomputed % orders', changed;
END
$$;

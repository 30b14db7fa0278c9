-- CreateTable
CREATE TABLE "audit_entries" (
    "id" BIGSERIAL NOT NULL,
    "table_name" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "happened" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("id")
);

-- A body with semicolons; splitting at them would break it.
CREATE FUNCTION "record_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO "audit_entries" ("table_name", "action") VALUES (TG_TABLE_NAME, TG_OP);
    RETURN NULL;
END;
$$;

CREATE TRIGGER "orders_changed" AFTER INSERT OR UPDATE OR DELETE ON "orders"
    FOR EACH ROW EXECUTE FUNCTION "record_change"();

-- Prices become whole cents; the old column goes once every row has its cents.
ALTER TABLE "products" ADD COLUMN "price_cents" INTEGER;

UPDATE "products" SET "price_cents" = round("price" * 100)::INTEGER;

ALTER TABLE "products" ALTER COLUMN "price_cents" SET NOT NULL;
ALTER TABLE "products" DROP COLUMN "price";

-- AlterTable
ALTER TABLE "products" ADD COLUMN "description" TEXT;

UPDATE "products" SET "description" = 'It''s back; again' WHERE "sku" = 'TEA-001';

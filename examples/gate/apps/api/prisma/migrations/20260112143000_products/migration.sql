-- CreateTable
CREATE TABLE "products" (
    "id" SERIAL NOT NULL,
    "sku" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "price" NUMERIC(10, 2) NOT NULL,

    CONSTRAINT "products_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "products_sku_key" ON "products"("sku");

-- A first assortment; later ones come from the back office.
INSERT INTO "products" ("sku", "title", "price") VALUES
    ('TEA-001', 'Green tea; loose leaf', 12.50),
    ('TEA-002', 'Earl Grey', 9.90),
    ('CUP-001', 'Cup, "blue"', 7.00);

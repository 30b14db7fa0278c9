/* Everything was in euros; new prices say so. */
ALTER TABLE "products" ADD COLUMN "currency" CHAR(3) NOT NULL DEFAULT 'EUR';
ALTER TABLE "products" ADD CONSTRAINT "products_currency_check" CHECK ("currency" ~ '^[A-Z]{3}$');

-- A new required column: nullable first, filled, then required.
ALTER TABLE "accounts" ADD COLUMN "slug" TEXT;

UPDATE "accounts" SET "slug" = lower(regexp_replace("name", '[^A-Za-z0-9]+', '-', 'g'));

ALTER TABLE "accounts" ALTER COLUMN "slug" SET NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "accounts_slug_key" ON "accounts"("slug");

-- With a default no row is rewritten, and the old code, which does not name the column, goes on.
ALTER TABLE "accounts" ADD COLUMN "plan" TEXT NOT NULL DEFAULT 'free';
ALTER TABLE "jobs" ADD COLUMN "worker" TEXT;

-- Written by hand: this team thinks in SQL, and `db:pull` brings it into schema.prisma.
CREATE DOMAIN cents AS bigint CHECK (VALUE <> 0);

CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts (id),
    amount cents NOT NULL,
    booked_at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO accounts (name) VALUES ('cash'), ('rent');

-- migrate:up
CREATE TABLE devices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    serial text NOT NULL UNIQUE
);

-- migrate:down
DROP TABLE devices;

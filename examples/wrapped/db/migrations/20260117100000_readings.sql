-- migrate:up
CREATE TABLE readings (
    device_id bigint NOT NULL REFERENCES devices (id),
    taken_at timestamptz NOT NULL,
    celsius numeric(5, 2) NOT NULL,
    PRIMARY KEY (device_id, taken_at)
);

INSERT INTO devices (serial) VALUES ('A-1'), ('A-2');

-- migrate:down
DROP TABLE readings;

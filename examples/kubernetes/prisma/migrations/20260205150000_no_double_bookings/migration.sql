-- Prisma has no word for it; the database has.
CREATE FUNCTION "span"("bookings") RETURNS tstzrange LANGUAGE sql IMMUTABLE AS $$ SELECT tstzrange($1."starts_at", $1."ends_at"); $$;

CREATE FUNCTION "refuse_double_booking"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM "bookings" b WHERE b."room_id" = NEW."room_id" AND b."id" <> NEW."id" AND "span"(b) && "span"(NEW)) THEN
        RAISE EXCEPTION 'room % is taken', NEW."room_id";
    END IF;
    RETURN NEW;
END;
$$;

CREATE TRIGGER "bookings_no_double" BEFORE INSERT OR UPDATE ON "bookings"
    FOR EACH ROW EXECUTE FUNCTION "refuse_double_booking"();

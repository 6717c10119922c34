"""No flight for a listing that is not known to be seller-fulfilled: the database refuses it, whoever asks."""

from django.db import migrations

FORBID = """
CREATE FUNCTION engine_flight_is_ours() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fulfilment text;
    lite_allowed boolean;
BEGIN
    SELECT l.fulfilment, COALESCE(lower(a.settings->>'allow_fbf_lite') IN ('true', '1', 'yes', 'on'), false)
      INTO fulfilment, lite_allowed
      FROM engine_listingstate s
      JOIN skumap_listing l ON l.id = s.listing_id
      JOIN skumap_channelaccount a ON a.id = s.account_id
     WHERE s.id = NEW.state_id;
    IF fulfilment IN ('NON_FBF', 'FBF_AND_NON_FBF', 'MFN', 'EASY_SHIP', 'SELF_SHIP', 'SHOPIFY') THEN
        RETURN NEW;
    END IF;
    IF fulfilment IN ('FBF_LITE', 'FBF_AND_FBF_LITE') AND lite_allowed THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a listing with fulfilment % is not ours to write', fulfilment USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER engine_flight_is_ours BEFORE INSERT ON engine_flight
    FOR EACH ROW EXECUTE FUNCTION engine_flight_is_ours();
"""
ALLOW = """
DROP TRIGGER engine_flight_is_ours ON engine_flight;
DROP FUNCTION engine_flight_is_ours();
"""


class Migration(migrations.Migration):
    dependencies = [("engine", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]

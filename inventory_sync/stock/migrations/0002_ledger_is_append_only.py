"""The ledger can't be edited: a trigger refuses every update and delete of a movement."""

from django.db import migrations

FORBID = """
CREATE FUNCTION stock_movement_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'movement % is final: a correction is a new movement', OLD.key USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER stock_movement_is_final BEFORE UPDATE OR DELETE ON stock_stockmovement
    FOR EACH ROW EXECUTE FUNCTION stock_movement_is_final();
"""
ALLOW = """
DROP TRIGGER stock_movement_is_final ON stock_stockmovement;
DROP FUNCTION stock_movement_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("stock", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]

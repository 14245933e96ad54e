-- How long each stage of a run took; null where it was not reached.
ALTER TABLE runs ADD COLUMN collect_ms INTEGER;
ALTER TABLE runs ADD COLUMN store_ms   INTEGER;
ALTER TABLE runs ADD COLUMN deliver_ms INTEGER;
ALTER TABLE runs ADD COLUMN prune_ms   INTEGER;

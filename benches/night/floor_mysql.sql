-- Beryl's night as a competent person would write it: about one pass a table, one connection, one snapshot.
-- Columns are named by the metrics they count; what is grouped is added up by the program that reads it.
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;

SELECT count(*) AS total_users,
    count(CASE WHEN last_login >= DAY_1 AND last_login < AS_OF THEN 1 END) AS active_users_24h,
    count(CASE WHEN last_login >= DAY_7 AND last_login < AS_OF THEN 1 END) AS active_users_7d,
    count(CASE WHEN last_login >= DAY_30 AND last_login < AS_OF THEN 1 END) AS active_users_30d,
    count(CASE WHEN date_joined >= DAY_1 THEN 1 END) AS new_users_24h,
    count(CASE WHEN date_joined >= DAY_7 THEN 1 END) AS new_users_7d,
    count(CASE WHEN date_joined >= DAY_30 THEN 1 END) AS new_users_30d
FROM auth_user WHERE date_joined < AS_OF;

SELECT count(CASE WHEN receive_marketing_emails THEN 1 END) AS marketing_opt_in,
    count(CASE WHEN NOT receive_marketing_emails THEN 1 END) AS marketing_opt_out,
    count(CASE WHEN content_moderation_violations > 0 THEN 1 END) AS user_violations,
    count(CASE WHEN is_content_banned THEN 1 END) AS banned_users
FROM web_userprofile;

SELECT count(*) AS total_collections,
    count(CASE WHEN visibility = 'PRIVATE' THEN 1 END) AS collections_private,
    count(CASE WHEN visibility = 'PUBLIC' THEN 1 END) AS collections_public,
    count(CASE WHEN visibility = 'UNLISTED' THEN 1 END) AS collections_unlisted,
    count(CASE WHEN created >= DAY_1 THEN 1 END) AS collections_created_24h,
    count(CASE WHEN created >= DAY_7 THEN 1 END) AS collections_created_7d,
    count(CASE WHEN created >= DAY_30 THEN 1 END) AS collections_created_30d
FROM web_collection WHERE NOT is_deleted AND created < AS_OF;

SELECT count(*) AS total_emails,
    count(CASE WHEN status IN (2, 3) THEN 1 END) AS emails_pending,
    count(CASE WHEN status = 0 THEN 1 END) AS emails_sent,
    count(CASE WHEN status = 1 THEN 1 END) AS emails_failed
FROM post_office_email WHERE created < AS_OF;

SELECT count(*) AS item_types_count FROM web_itemtype WHERE NOT is_deleted AND created < AS_OF;

SELECT count(*) AS total_attributes FROM web_itemattribute WHERE NOT is_deleted AND created < AS_OF;

SELECT item.status AS `group`, CAST(item.item_type_id AS char) AS part,
    count(*) AS total_items,
    count(CASE WHEN item.is_favorite THEN 1 END) AS favorite_items_total,
    count(CASE WHEN item.created >= DAY_1 THEN 1 END) AS items_created_24h,
    count(CASE WHEN item.created >= DAY_7 THEN 1 END) AS items_created_7d,
    count(CASE WHEN item.created >= DAY_30 THEN 1 END) AS items_created_30d,
    count(CASE WHEN dead.id IS NULL THEN 1 END) AS collected_items
FROM web_collectionitem AS item
LEFT JOIN (SELECT id FROM web_collection WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE) AS dead
    ON dead.id = item.collection_id
WHERE NOT item.is_deleted AND item.created < AS_OF
GROUP BY item.status, item.item_type_id;

SELECT CAST(item_attribute_id AS char) AS part, count(*) AS attribute_values
FROM web_collectionitemattributevalue AS this
WHERE NOT is_deleted AND created < AS_OF AND NOT EXISTS (
    SELECT 1 FROM web_collectionitem AS item WHERE item.id = this.item_id AND (NOT item.is_deleted AND item.created < AS_OF) IS NOT TRUE)
GROUP BY item_attribute_id;

SELECT count(DISTINCT item_id) AS items_with_attributes
FROM web_collectionitemattributevalue AS this
WHERE NOT is_deleted AND created < AS_OF AND NOT EXISTS (
    SELECT 1 FROM web_collectionitem AS item WHERE item.id = this.item_id AND (NOT item.is_deleted AND item.created < AS_OF) IS NOT TRUE);

SELECT CAST(link_pattern_id AS char) AS part, count(*) AS total_links
FROM web_collectionitemlink AS this
WHERE NOT is_deleted AND created < AS_OF AND NOT EXISTS (
    SELECT 1 FROM web_collectionitem AS item WHERE item.id = this.item_id AND (NOT item.is_deleted AND item.created < AS_OF) IS NOT TRUE)
GROUP BY link_pattern_id;

SELECT count(DISTINCT item_id) AS items_with_links
FROM web_collectionitemlink AS this
WHERE NOT is_deleted AND created < AS_OF AND NOT EXISTS (
    SELECT 1 FROM web_collectionitem AS item WHERE item.id = this.item_id AND (NOT item.is_deleted AND item.created < AS_OF) IS NOT TRUE);

SELECT count(DISTINCT item_id) AS items_with_images
FROM web_collectionitemimage AS this
WHERE NOT is_deleted AND created < AS_OF AND NOT EXISTS (
    SELECT 1 FROM web_collectionitem AS item WHERE item.id = this.item_id AND (NOT item.is_deleted AND item.created < AS_OF) IS NOT TRUE);

SELECT media_type AS part, count(*) AS total_media_files, sum(file_size) AS total_storage_bytes,
    count(CASE WHEN created >= DAY_1 THEN 1 END) AS recent_uploads_24h,
    count(CASE WHEN created >= DAY_7 THEN 1 END) AS recent_uploads_7d,
    count(CASE WHEN created >= DAY_30 THEN 1 END) AS recent_uploads_30d,
    count(CASE WHEN NOT file_exists THEN 1 END) AS corrupted_files,
    count(CASE WHEN content_moderation_status = 'FLAGGED' THEN 1 END) AS flagged_content,
    count(CASE WHEN content_moderation_status = 'PENDING' THEN 1 END) AS pending_review
FROM web_mediafile WHERE NOT is_deleted AND created < AS_OF
GROUP BY media_type;

SELECT count(*) AS orphaned_files
FROM web_mediafile AS file
WHERE NOT is_deleted AND created < AS_OF AND media_type <> 'AVATAR'
AND NOT EXISTS (SELECT 1 FROM (
    SELECT media_file_id FROM web_collectionitemimage AS image WHERE NOT is_deleted AND NOT EXISTS (
        SELECT 1 FROM web_collectionitem AS item WHERE item.id = image.item_id AND item.is_deleted)
    ) AS shown WHERE shown.media_file_id = file.id)
AND NOT EXISTS (SELECT 1 FROM (
    SELECT media_file_id FROM web_collectionimage AS image WHERE NOT is_deleted AND NOT EXISTS (
        SELECT 1 FROM web_collection AS collection WHERE collection.id = image.collection_id AND collection.is_deleted)
    ) AS shown WHERE shown.media_file_id = file.id);

SELECT CAST(id AS char) AS part, display_name AS `group` FROM web_itemtype;
SELECT CAST(id AS char) AS part, display_name AS `group` FROM web_itemattribute;
SELECT CAST(id AS char) AS part, display_name AS `group` FROM web_linkpattern;

COMMIT;

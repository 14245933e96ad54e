-- Beryl's night as a competent person would write it: about one pass a table, one connection, one snapshot.
-- Columns are named by the metrics they count; what is grouped is added up by the program that reads it.
BEGIN;

SELECT count(*) AS total_users,
    count(*) FILTER (WHERE last_login >= DAY_1 AND last_login < AS_OF) AS active_users_24h,
    count(*) FILTER (WHERE last_login >= DAY_7 AND last_login < AS_OF) AS active_users_7d,
    count(*) FILTER (WHERE last_login >= DAY_30 AND last_login < AS_OF) AS active_users_30d,
    count(*) FILTER (WHERE date_joined >= DAY_1) AS new_users_24h,
    count(*) FILTER (WHERE date_joined >= DAY_7) AS new_users_7d,
    count(*) FILTER (WHERE date_joined >= DAY_30) AS new_users_30d
FROM auth_user WHERE date_joined < AS_OF;

SELECT count(*) FILTER (WHERE receive_marketing_emails) AS marketing_opt_in,
    count(*) FILTER (WHERE NOT receive_marketing_emails) AS marketing_opt_out,
    count(*) FILTER (WHERE content_moderation_violations > 0) AS user_violations,
    count(*) FILTER (WHERE is_content_banned) AS banned_users
FROM web_userprofile;

SELECT count(*) AS total_collections,
    count(*) FILTER (WHERE visibility = 'PRIVATE') AS collections_private,
    count(*) FILTER (WHERE visibility = 'PUBLIC') AS collections_public,
    count(*) FILTER (WHERE visibility = 'UNLISTED') AS collections_unlisted,
    count(*) FILTER (WHERE created >= DAY_1) AS collections_created_24h,
    count(*) FILTER (WHERE created >= DAY_7) AS collections_created_7d,
    count(*) FILTER (WHERE created >= DAY_30) AS collections_created_30d
FROM web_collection WHERE NOT is_deleted AND created < AS_OF;

SELECT count(*) AS total_emails,
    count(*) FILTER (WHERE status IN (2, 3)) AS emails_pending,
    count(*) FILTER (WHERE status = 0) AS emails_sent,
    count(*) FILTER (WHERE status = 1) AS emails_failed
FROM post_office_email WHERE created < AS_OF;

SELECT count(*) AS item_types_count FROM web_itemtype WHERE NOT is_deleted AND created < AS_OF;

SELECT count(*) AS total_attributes FROM web_itemattribute WHERE NOT is_deleted AND created < AS_OF;

SELECT item.status AS "group", CAST(item.item_type_id AS text) AS part,
    count(*) AS total_items,
    count(*) FILTER (WHERE item.is_favorite) AS favorite_items_total,
    count(*) FILTER (WHERE item.created >= DAY_1) AS items_created_24h,
    count(*) FILTER (WHERE item.created >= DAY_7) AS items_created_7d,
    count(*) FILTER (WHERE item.created >= DAY_30) AS items_created_30d,
    count(*) FILTER (WHERE item.collection_id NOT IN (
        SELECT id FROM web_collection WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE)) AS collected_items
FROM web_collectionitem AS item
WHERE NOT item.is_deleted AND item.created < AS_OF
GROUP BY item.status, item.item_type_id;

SELECT CAST(item_attribute_id AS text) AS part, count(*) AS attribute_values
FROM web_collectionitemattributevalue
WHERE NOT is_deleted AND created < AS_OF AND item_id NOT IN (
    SELECT id FROM web_collectionitem WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE)
GROUP BY +item_attribute_id;

SELECT count(DISTINCT item_id) AS items_with_attributes
FROM web_collectionitemattributevalue
WHERE NOT is_deleted AND created < AS_OF AND item_id NOT IN (
    SELECT id FROM web_collectionitem WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE);

SELECT CAST(link_pattern_id AS text) AS part, count(*) AS total_links
FROM web_collectionitemlink
WHERE NOT is_deleted AND created < AS_OF AND item_id NOT IN (
    SELECT id FROM web_collectionitem WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE)
GROUP BY +link_pattern_id;

SELECT count(DISTINCT item_id) AS items_with_links
FROM web_collectionitemlink
WHERE NOT is_deleted AND created < AS_OF AND item_id NOT IN (
    SELECT id FROM web_collectionitem WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE);

SELECT count(DISTINCT item_id) AS items_with_images
FROM web_collectionitemimage
WHERE NOT is_deleted AND created < AS_OF AND item_id NOT IN (
    SELECT id FROM web_collectionitem WHERE (NOT is_deleted AND created < AS_OF) IS NOT TRUE);

SELECT media_type AS part, count(*) AS total_media_files, sum(file_size) AS total_storage_bytes,
    count(*) FILTER (WHERE created >= DAY_1) AS recent_uploads_24h,
    count(*) FILTER (WHERE created >= DAY_7) AS recent_uploads_7d,
    count(*) FILTER (WHERE created >= DAY_30) AS recent_uploads_30d,
    count(*) FILTER (WHERE NOT file_exists) AS corrupted_files,
    count(*) FILTER (WHERE content_moderation_status = 'FLAGGED') AS flagged_content,
    count(*) FILTER (WHERE content_moderation_status = 'PENDING') AS pending_review
FROM web_mediafile WHERE NOT is_deleted AND created < AS_OF
GROUP BY media_type;

SELECT count(*) AS orphaned_files
FROM web_mediafile
WHERE NOT is_deleted AND created < AS_OF AND media_type <> 'AVATAR'
AND id NOT IN (
    SELECT media_file_id FROM web_collectionitemimage WHERE NOT is_deleted
        AND item_id NOT IN (SELECT id FROM web_collectionitem WHERE is_deleted)
    UNION ALL
    SELECT media_file_id FROM web_collectionimage WHERE NOT is_deleted
        AND collection_id NOT IN (SELECT id FROM web_collection WHERE is_deleted));

SELECT CAST(id AS text) AS part, display_name AS "group" FROM web_itemtype;
SELECT CAST(id AS text) AS part, display_name AS "group" FROM web_itemattribute;
SELECT CAST(id AS text) AS part, display_name AS "group" FROM web_linkpattern;

COMMIT;

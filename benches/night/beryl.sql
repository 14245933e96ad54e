-- Beryl's tables, filled by one integer hash: the same rows on both engines and on every run.
-- ROWS(n) is a table of the numbers 1 … n as `g`; HASH(s) a number made of g and s; BORN(n, s) an instant of
-- the two years before the as-of, later for a greater g but for some days of disorder; MOMENT and KEY
-- are the engine's types. fill.rs beside this file writes them out.

CREATE TABLE auth_user (id integer NOT NULL PRIMARY KEY, last_login MOMENT, date_joined MOMENT NOT NULL,
    is_superuser boolean NOT NULL, is_active boolean NOT NULL, email varchar(254) NOT NULL);
INSERT INTO auth_user SELECT g, CASE WHEN HASH(1) % 10 < 8 THEN SEEN(2, 3) END, BORN(USERS, 4),
    g < 4, HASH(5) % 50 > 0, 'user' || g || '@example.org' FROM ROWS(USERS);

CREATE TABLE web_userprofile (id KEY, user_id integer NOT NULL UNIQUE REFERENCES auth_user (id),
    receive_marketing_emails boolean NOT NULL, content_moderation_violations integer NOT NULL, is_content_banned boolean NOT NULL);
INSERT INTO web_userprofile SELECT g, g, HASH(1) % 10 < 3, CASE WHEN HASH(2) % 30 = 0 THEN 1 + HASH(3) % 4 ELSE 0 END,
    HASH(4) % 200 = 0 FROM ROWS(USERS);

CREATE TABLE web_collection (id KEY, is_deleted boolean NOT NULL, visibility varchar(10) NOT NULL,
    created MOMENT NOT NULL, name varchar(200) NOT NULL);
INSERT INTO web_collection SELECT g, HASH(1) % 20 = 0,
    CASE HASH(2) % 5 WHEN 3 THEN 'UNLISTED' WHEN 4 THEN 'PUBLIC' ELSE 'PRIVATE' END,
    BORN(COLLECTIONS, 3), 'Collection number ' || g FROM ROWS(COLLECTIONS);

CREATE TABLE web_itemtype (id KEY, is_deleted boolean NOT NULL, created MOMENT NOT NULL, display_name varchar(100) NOT NULL);
INSERT INTO web_itemtype SELECT g, g % 20 = 0, BORN(40, 1), 'Type ' || g FROM ROWS(40);

CREATE TABLE web_itemattribute (id KEY, is_deleted boolean NOT NULL, created MOMENT NOT NULL,
    display_name varchar(100) NOT NULL, item_type_id bigint NOT NULL REFERENCES web_itemtype (id));
INSERT INTO web_itemattribute SELECT g, g % 20 = 0, BORN(150, 1), 'Attribute ' || (g % 120), 1 + g % 40 FROM ROWS(150);

CREATE TABLE web_linkpattern (id KEY, is_deleted boolean NOT NULL, display_name varchar(100) NOT NULL);
INSERT INTO web_linkpattern SELECT g, g % 20 = 0, 'Shop ' || g FROM ROWS(60);

CREATE TABLE web_collectionitem (id KEY, is_deleted boolean NOT NULL, status varchar(20) NOT NULL,
    collection_id bigint NOT NULL REFERENCES web_collection (id), item_type_id bigint REFERENCES web_itemtype (id),
    is_favorite boolean NOT NULL, created MOMENT NOT NULL, name varchar(200) NOT NULL);
INSERT INTO web_collectionitem SELECT g, HASH(1) % 10 = 0,
    CASE WHEN share < 70 THEN 'IN_COLLECTION' WHEN share < 80 THEN 'PREVIOUSLY_OWNED' WHEN share < 90 THEN 'WANTED'
        WHEN share < 94 THEN 'LENT_OUT' WHEN share < 97 THEN 'RESERVED' ELSE 'ORDERED' END,
    1 + HASH(3) % COLLECTIONS, CASE WHEN HASH(4) % 10 > 0 THEN 1 + (HASH(5) % 40) * (HASH(6) % 40) / 40 END,
    HASH(7) % 12 = 0, BORN(ITEMS, 8), 'Item with some name no. ' || g
    FROM (SELECT g, HASH(2) % 100 AS share FROM ROWS(ITEMS)) AS each_item;

CREATE TABLE web_collectionitemattributevalue (id KEY, is_deleted boolean NOT NULL,
    item_id bigint NOT NULL REFERENCES web_collectionitem (id),
    item_attribute_id bigint NOT NULL REFERENCES web_itemattribute (id), value text NOT NULL, created MOMENT NOT NULL);
INSERT INTO web_collectionitemattributevalue SELECT g, HASH(1) % 20 = 0, 1 + HASH(2) % ITEMS,
    1 + (HASH(3) % 150) * (HASH(4) % 150) / 150, 'value ' || (HASH(5) % 100000), BORN(VALUES_, 6) FROM ROWS(VALUES_);

CREATE TABLE web_collectionitemlink (id KEY, is_deleted boolean NOT NULL,
    item_id bigint NOT NULL REFERENCES web_collectionitem (id), link_pattern_id bigint REFERENCES web_linkpattern (id),
    created MOMENT NOT NULL, url varchar(2000) NOT NULL);
INSERT INTO web_collectionitemlink SELECT g, HASH(1) % 25 = 0, 1 + HASH(2) % ITEMS,
    CASE WHEN HASH(3) % 10 > 2 THEN 1 + (HASH(4) % 60) * (HASH(5) % 60) / 60 END, BORN(LINKS, 6),
    'https://shop' || (HASH(7) % 60) || '.example.org/p/' || g FROM ROWS(LINKS);

CREATE TABLE web_mediafile (id KEY, is_deleted boolean NOT NULL, created MOMENT NOT NULL, file_size bigint,
    media_type varchar(20) NOT NULL, file_exists boolean NOT NULL, content_moderation_status varchar(20) NOT NULL,
    file varchar(200) NOT NULL);
INSERT INTO web_mediafile SELECT g, HASH(1) % 25 = 0, BORN(MEDIA, 2),
    CASE WHEN HASH(3) % 100 > 0 THEN HASH(4) % 5000000 END,
    CASE HASH(5) % 10 WHEN 7 THEN 'COLLECTION_HEADER' WHEN 8 THEN 'AVATAR' WHEN 9 THEN 'OTHER' ELSE 'COLLECTION_ITEM' END,
    HASH(6) % 500 > 0,
    CASE WHEN share < 90 THEN 'APPROVED' WHEN share < 97 THEN 'PENDING' WHEN share < 98 THEN 'FLAGGED' ELSE 'REJECTED' END,
    'media/' || HASH(8) || '/f' || g || '.jpg'
    FROM (SELECT g, HASH(7) % 100 AS share FROM ROWS(MEDIA)) AS each_file;

CREATE TABLE web_collectionitemimage (id KEY, is_deleted boolean NOT NULL,
    item_id bigint NOT NULL REFERENCES web_collectionitem (id),
    media_file_id bigint NOT NULL REFERENCES web_mediafile (id), created MOMENT NOT NULL);
INSERT INTO web_collectionitemimage SELECT g, HASH(1) % 25 = 0, 1 + HASH(2) % ITEMS, 1 + HASH(3) % MEDIA,
    BORN(IMAGES, 4) FROM ROWS(IMAGES);

CREATE TABLE web_collectionimage (id KEY, is_deleted boolean NOT NULL,
    collection_id bigint NOT NULL REFERENCES web_collection (id),
    media_file_id bigint NOT NULL REFERENCES web_mediafile (id), created MOMENT NOT NULL);
INSERT INTO web_collectionimage SELECT g, HASH(1) % 25 = 0, 1 + HASH(2) % COLLECTIONS, 1 + HASH(3) % MEDIA,
    BORN(COVERS, 4) FROM ROWS(COVERS);

CREATE TABLE post_office_email (id KEY, "to" text NOT NULL, status smallint, created MOMENT NOT NULL);
INSERT INTO post_office_email SELECT g, 'user' || (HASH(1) % USERS) || '@example.org',
    CASE WHEN share < 96 THEN 0 WHEN share < 98 THEN 1 WHEN share < 99 THEN 2 ELSE 3 END, BORN(USERS, 3)
    FROM (SELECT g, HASH(2) % 100 AS share FROM ROWS(USERS)) AS each_email;

-- Django's indexes.
CREATE INDEX web_itemattribute_item_type_id ON web_itemattribute (item_type_id);
CREATE INDEX web_collectionitem_collection_id ON web_collectionitem (collection_id);
CREATE INDEX web_collectionitem_item_type_id ON web_collectionitem (item_type_id);
CREATE INDEX web_collectionitemattributevalue_item_id ON web_collectionitemattributevalue (item_id);
CREATE INDEX web_collectionitemattributevalue_item_attribute_id ON web_collectionitemattributevalue (item_attribute_id);
CREATE INDEX web_collectionitemlink_item_id ON web_collectionitemlink (item_id);
CREATE INDEX web_collectionitemlink_link_pattern_id ON web_collectionitemlink (link_pattern_id);
CREATE INDEX web_collectionitemimage_item_id ON web_collectionitemimage (item_id);
CREATE INDEX web_collectionitemimage_media_file_id ON web_collectionitemimage (media_file_id);
CREATE INDEX web_collectionimage_collection_id ON web_collectionimage (collection_id);
CREATE INDEX web_collectionimage_media_file_id ON web_collectionimage (media_file_id);
CREATE INDEX post_office_email_status ON post_office_email (status);
CREATE INDEX post_office_email_created ON post_office_email (created);

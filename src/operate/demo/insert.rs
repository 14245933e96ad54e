//! Rows into SQLite, many to a statement.

use std::borrow::Cow;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::world::World;

const ROWS_PER_STATEMENT: usize = 128;

enum Field {
    Null,
    Integer(i64),
    Text(Cow<'static, str>),
}

/// Writes every table of the world; how many rows that were.
pub(super) async fn everything(connection: &mut SqliteConnection, world: &World) -> Result<usize> {
    Ok(people(connection, world).await?
        + definitions(connection, world).await?
        + things(connection, world).await?
        + files(connection, world).await?)
}

async fn people(connection: &mut SqliteConnection, world: &World) -> Result<usize> {
    let users = world.users.iter().map(|user| {
        [
            user.last_login.map_or(Field::Null, time),
            time(user.joined),
            flag(user.superuser),
            flag(user.active),
            Field::Text(user.email.clone().into()),
        ]
    });
    let columns = "last_login, date_joined, is_superuser, is_active, email";
    let mut rows = fill(connection, "auth_user", columns, users).await?;

    let profiles = world.users.iter().zip(1..).map(|(user, id)| {
        [
            Field::Integer(id),
            flag(user.marketing),
            Field::Integer(user.violations),
            flag(user.banned),
        ]
    });
    let columns =
        "user_id, receive_marketing_emails, content_moderation_violations, is_content_banned";
    rows += fill(connection, "web_userprofile", columns, profiles).await?;

    let emails = world.emails.iter().map(|email| {
        [
            Field::Text(world.users[email.user].email.clone().into()),
            Field::Integer(email.status),
            time(email.created),
        ]
    });
    rows += fill(
        connection,
        "post_office_email",
        "\"to\", status, created",
        emails,
    )
    .await?;
    Ok(rows)
}

async fn definitions(connection: &mut SqliteConnection, world: &World) -> Result<usize> {
    let named = |definition: &super::world::Definition| {
        [
            flag(definition.deleted),
            time(definition.created),
            Field::Text(definition.name.into()),
        ]
    };
    let columns = "is_deleted, created, display_name";
    let mut rows = 0;
    let types = world.types.iter().map(named);
    rows += fill(connection, "web_itemtype", columns, types).await?;
    let patterns = world.patterns.iter().map(named);
    rows += fill(connection, "web_linkpattern", columns, patterns).await?;
    let attributes = world.attributes.iter().map(|(item_type, definition)| {
        let [deleted, created, name] = named(definition);
        [deleted, created, name, reference(*item_type)]
    });
    let columns = "is_deleted, created, display_name, item_type_id";
    rows += fill(connection, "web_itemattribute", columns, attributes).await?;
    Ok(rows)
}

async fn things(connection: &mut SqliteConnection, world: &World) -> Result<usize> {
    let collections = world.collections.iter().map(|collection| {
        [
            flag(collection.deleted),
            time(collection.created),
            Field::Text(collection.visibility.into()),
        ]
    });
    let columns = "is_deleted, created, visibility";
    let mut rows = fill(connection, "web_collection", columns, collections).await?;

    let items = world.items.iter().map(|item| {
        [
            flag(item.deleted),
            time(item.created),
            Field::Text(item.status.into()),
            reference(item.collection),
            item.item_type.map_or(Field::Null, reference),
            flag(item.favourite),
        ]
    });
    let columns = "is_deleted, created, status, collection_id, item_type_id, is_favorite";
    rows += fill(connection, "web_collectionitem", columns, items).await?;

    let values = world.values.iter().map(|value| {
        [
            flag(value.deleted),
            time(world.items[value.item].created),
            reference(value.item),
            reference(value.attribute),
            Field::Text(value.text.into()),
        ]
    });
    let columns = "is_deleted, created, item_id, item_attribute_id, value";
    rows += fill(
        connection,
        "web_collectionitemattributevalue",
        columns,
        values,
    )
    .await?;

    let links = world.links.iter().map(|link| {
        [
            flag(link.deleted),
            time(world.items[link.item].created),
            reference(link.item),
            link.pattern.map_or(Field::Null, reference),
        ]
    });
    let columns = "is_deleted, created, item_id, link_pattern_id";
    rows += fill(connection, "web_collectionitemlink", columns, links).await?;
    Ok(rows)
}

async fn files(connection: &mut SqliteConnection, world: &World) -> Result<usize> {
    let media = world.media.iter().map(|file| {
        [
            flag(file.deleted),
            time(file.created),
            file.size.map_or(Field::Null, Field::Integer),
            Field::Text(file.kind.into()),
            flag(file.exists),
            Field::Text(file.moderation.into()),
        ]
    });
    let columns =
        "is_deleted, created, file_size, media_type, file_exists, content_moderation_status";
    let mut rows = fill(connection, "web_mediafile", columns, media).await?;

    let image = |image: &super::world::Image| {
        [
            flag(image.deleted),
            time(world.media[image.file].created),
            reference(image.of),
            reference(image.file),
        ]
    };
    let headers = world.collection_images.iter().map(image);
    let columns = "is_deleted, created, collection_id, media_file_id";
    rows += fill(connection, "web_collectionimage", columns, headers).await?;
    let pictures = world.item_images.iter().map(image);
    let columns = "is_deleted, created, item_id, media_file_id";
    rows += fill(connection, "web_collectionitemimage", columns, pictures).await?;
    Ok(rows)
}

/// Inserts the rows in their order; they get the ids 1, 2, 3, …
async fn fill<const N: usize>(
    connection: &mut SqliteConnection,
    table: &str,
    columns: &str,
    mut rows: impl Iterator<Item = [Field; N]>,
) -> Result<usize> {
    let mut written = 0;
    loop {
        let some: Vec<[Field; N]> = rows.by_ref().take(ROWS_PER_STATEMENT).collect();
        if some.is_empty() {
            return Ok(written);
        }
        let row = format!("({})", vec!["?"; N].join(", "));
        let places = vec![row; some.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({columns}) VALUES {places}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        written += some.len();
        for field in some.into_iter().flatten() {
            query = match field {
                Field::Null => query.bind(None::<i64>),
                Field::Integer(number) => query.bind(number),
                Field::Text(text) => query.bind(text),
            };
        }
        query
            .execute(&mut *connection)
            .await
            .with_context(|| format!("cannot insert into {table}"))?;
    }
}

fn time(instant: DateTime<Utc>) -> Field {
    Field::Text(instant.format("%Y-%m-%d %H:%M:%S%.6f").to_string().into())
}

fn flag(set: bool) -> Field {
    Field::Integer(i64::from(set))
}

/// The id of the row at this position.
fn reference(position: usize) -> Field {
    Field::Integer(position as i64 + 1)
}

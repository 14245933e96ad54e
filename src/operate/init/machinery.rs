//! Tables that a framework uses internally.

use crate::collect::schema::survey::Relation;

use super::names::Words;

/// Names that only frameworks use.
const NAMES: Words = Words(
    "schema_migrations ar_internal_metadata django_migrations django_session django_content_type
     django_admin_log django_site auth_permission auth_group auth_group_permissions
     auth_user_groups auth_user_user_permissions alembic_version flyway_schema_history
     databasechangelog databasechangeloglock knex_migrations knex_migrations_lock phinxlog
     doctrine_migration_versions messenger_messages delayed_jobs job_batches cache cache_locks
     sessions_keys password_resets password_reset_tokens usermeta postmeta config_text api_session
     search_wordlist search_wordmatch search_results acl_groups acl_options acl_roles
     acl_roles_data acl_users spatial_ref_sys _prisma_migrations __efmigrationshistory
     __drizzle_migrations goose_db_version seo_url layout_module layout_route sqlx_migrations
     _sqlx_migrations",
);

const BEGINNINGS: Words = Words(
    "solid_queue_ solid_cache_ solid_cable_ good_job que_jobs oban_ telescope_ pulse_
     django_celery_ django_q_ silk_ qrtz_",
);

/// Names that an application may use too; one of these columns shows that a framework does.
const BY_COLUMN: &[(&str, Words)] = &[
    ("sessions", OF_SESSIONS),
    ("session", OF_SESSIONS),
    ("jobs", Words("payload handler queue")),
    ("migrations", Words("batch migration migration_name")),
    ("options", Words("option_value")),
    ("config", Words("config_value value")),
    ("setting", Words("value serialized")),
    ("settings", Words("value serialized payload")),
    ("event", Words("trigger")),
    ("extension", Words("code")),
    ("modification", Words("xml code")),
    ("ext", Words("ext_state")),
    ("modules", Words("module_class")),
    ("styles", Words("style_path")),
    ("confirm", Words("confirm_type seed")),
    ("theme", Words("route")),
    ("translation", Words("route")),
];

const OF_SESSIONS: Words =
    Words("data session_data payload sess session_ip user_agent expire last_activity");

/// By the table's name, with or without the application's prefix.
pub fn is_machinery(relation: &Relation, prefix: &str) -> bool {
    let name = relation.name.to_lowercase();
    let bare = name.rsplit('.').next().unwrap_or(&name);
    let own = bare
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'));
    let has = |name: &str| {
        let mut columns = relation.columns.iter();
        columns.any(|column| column.name.eq_ignore_ascii_case(name))
    };
    [Some(bare), own].into_iter().flatten().any(|name| {
        let mut by_column = BY_COLUMN.iter().filter(|(known, _)| *known == name);
        NAMES.contains(name)
            || BEGINNINGS.iter().any(|begin| name.starts_with(begin))
            || by_column.any(|(_, columns)| columns.iter().any(has))
    })
}

"""The three database roles, as SQL that may be run again at any time.

Roles belong to the PostgreSQL cluster, not to a database, so no migration makes them (parallel databases would
collide). The embedded server's starter and `manage.py setup_database` run the same `ROLE_SQL`.

* `OWNER` migrates and owns the database and its tables.
* `APP` is what web, worker, beat and tests run as. It owns nothing and can't bypass row-level security.
* `ALL_COMPANIES` can't log in; APP switches to it by name for work over companies.

`INHERIT FALSE` matters: a policy `TO channable_all_companies` also applies to every role that *inherits* from it, which
would open the wall for APP. The owner may switch too, because tests log in as owner, migrate, and then assume APP.
Needs PostgreSQL 16 or newer (options of GRANT). Roles are created without a password.
"""

OWNER = "channable_owner"
APP = "channable_app"
ALL_COMPANIES = "channable_all_companies"

DATABASE = "channable"
# Both are "trusted": the owner of a database may create them without being a superuser.
EXTENSIONS = ("pg_trgm", "btree_gin")

# An attribute is altered only where it is wrong: managed servers refuse even a harmless ALTER ROLE ... NOSUPERUSER.
ROLE_SQL = f"""
DO $roles$
BEGIN
    BEGIN
        CREATE ROLE {OWNER} LOGIN CREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    BEGIN
        CREATE ROLE {APP} LOGIN NOINHERIT NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    BEGIN
        CREATE ROLE {ALL_COMPANIES} NOLOGIN NOCREATEDB NOSUPERUSER NOCREATEROLE NOBYPASSRLS;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}' AND NOT (rolcanlogin AND rolcreatedb)) THEN
        ALTER ROLE {OWNER} LOGIN CREATEDB;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}' AND (rolinherit OR NOT rolcanlogin)) THEN
        ALTER ROLE {APP} LOGIN NOINHERIT;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ALL_COMPANIES}' AND rolcanlogin) THEN
        ALTER ROLE {ALL_COMPANIES} NOLOGIN;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}' AND (rolsuper OR rolbypassrls)) THEN
        ALTER ROLE {OWNER} NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}' AND (rolsuper OR rolbypassrls)) THEN
        ALTER ROLE {APP} NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ALL_COMPANIES}' AND (rolsuper OR rolbypassrls)) THEN
        ALTER ROLE {ALL_COMPANIES} NOSUPERUSER NOBYPASSRLS;
    END IF;
END
$roles$;
GRANT {ALL_COMPANIES} TO {APP} WITH INHERIT FALSE, SET TRUE;
GRANT {ALL_COMPANIES}, {APP} TO {OWNER} WITH INHERIT FALSE, SET TRUE;
"""  # noqa: S608 - made of the constants above

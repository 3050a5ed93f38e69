-- OYL's three roles, and their privileges in the current database. Run as a superuser; it is idempotent.
-- The owner migrates, the application owns nothing, and the lookup role's functions bypass the tenant scope.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['oyl_owner', 'oyl_app', 'oyl_lookup'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I', role);
        END IF;
    END LOOP;
END
$$;
ALTER ROLE oyl_owner LOGIN CREATEDB NOCREATEROLE NOSUPERUSER NOBYPASSRLS;
ALTER ROLE oyl_app LOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER NOBYPASSRLS;
-- The application's limits, as for requests (core/isolation/time_limits.py); scopes of tasks and commands set longer ones.
-- A query also ends when the process that sent it is gone.
ALTER ROLE oyl_app SET statement_timeout = '30s';
ALTER ROLE oyl_app SET lock_timeout = '10s';
ALTER ROLE oyl_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE oyl_app SET transaction_timeout = '30s';
ALTER ROLE oyl_app SET client_connection_check_interval = '5s';
-- Neither other connections of the role nor PostgreSQL's log shows its statements, which contain values. Only a superuser may
-- change this.
ALTER ROLE oyl_app SET track_activities = off;
ALTER ROLE oyl_app SET log_min_error_statement = 'panic';
ALTER ROLE oyl_app SET log_parameter_max_length = 0;
ALTER ROLE oyl_lookup NOLOGIN NOCREATEDB NOCREATEROLE NOSUPERUSER NOBYPASSRLS;
GRANT oyl_lookup TO oyl_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO oyl_app;
-- OYL uses neither temporary tables nor large objects, which no policy of a table isolates.
DO $$
DECLARE
    name text;
BEGIN
    IF current_database() <> 'template1' THEN
        EXECUTE format('ALTER DATABASE %I OWNER TO oyl_owner', current_database());
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
    FOR name IN
        SELECT oid::regprocedure FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace AND proname ~ '^(lo_|loread$|lowrite$)'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', name);
    END LOOP;
END
$$;

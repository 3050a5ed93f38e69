-- For psql: sets the passwords of the roles that can log in, from the environment.
\getenv owner_password OYL_OWNER_PASSWORD
\getenv app_password OYL_APP_PASSWORD
ALTER ROLE oyl_owner PASSWORD :'owner_password';
ALTER ROLE oyl_app PASSWORD :'app_password';

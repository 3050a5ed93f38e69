-- For psql: gives the roles that sign in their passwords, from the environment.
\getenv owner_password OYL_OWNER_PASSWORD
\getenv app_password OYL_APP_PASSWORD
ALTER ROLE oyl_owner PASSWORD :'owner_password';
ALTER ROLE oyl_app PASSWORD :'app_password';

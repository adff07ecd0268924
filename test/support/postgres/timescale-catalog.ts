/**
 * The part of TimescaleDB's catalog that says which table is a chunk of which hypertable, with the columns and grants of the extension
 * (2.x), which the test servers do not have. Functions that fill it stand in for `create_hypertable` and for the first row of a chunk.
 */
export const timescaleCatalog = `
create schema _timescaledb_catalog;
create schema _timescaledb_internal;
grant usage on schema _timescaledb_catalog, _timescaledb_internal to public;
create table _timescaledb_catalog.hypertable (
  id int primary key, schema_name name not null, table_name name not null,
  associated_schema_name name not null, associated_table_prefix name not null, num_dimensions smallint not null,
  compression_state smallint not null default 0, compressed_hypertable_id int references _timescaledb_catalog.hypertable,
  unique (table_name, schema_name), unique (associated_schema_name, associated_table_prefix));
create table _timescaledb_catalog.chunk (
  id int primary key, hypertable_id int not null references _timescaledb_catalog.hypertable, schema_name name not null,
  table_name name not null, compressed_chunk_id int references _timescaledb_catalog.chunk,
  dropped boolean not null default false, status int not null default 0, osm_chunk boolean not null default false,
  unique (schema_name, table_name));
create table _timescaledb_catalog.continuous_agg (
  mat_hypertable_id int primary key references _timescaledb_catalog.hypertable on delete cascade,
  raw_hypertable_id int not null references _timescaledb_catalog.hypertable on delete cascade,
  user_view_schema name not null, user_view_name name not null,
  partial_view_schema name not null, partial_view_name name not null, unique (user_view_schema, user_view_name));
grant select on all tables in schema _timescaledb_catalog to public;
create function hypertable(number int, parent regclass) returns void language sql as $$
  insert into _timescaledb_catalog.hypertable
    select number, n.nspname, c.relname, '_timescaledb_internal', '_hyper_' || number, 1
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = parent
$$;
create function chunk(number int, of_hypertable int) returns void language plpgsql as $$
declare
  parent _timescaledb_catalog.hypertable;
  name text := format('_hyper_%s_%s_chunk', of_hypertable, number);
begin
  select * into parent from _timescaledb_catalog.hypertable where id = of_hypertable;
  execute format('create table _timescaledb_internal.%I (like %I.%I including all) inherits (%I.%I)',
    name, parent.schema_name, parent.table_name, parent.schema_name, parent.table_name);
  insert into _timescaledb_catalog.chunk values (number, of_hypertable, '_timescaledb_internal', name);
end
$$;
`

/** A hypertable `conditions` with one chunk, the continuous aggregate `conditions_summary`, and a table that is no chunk. */
export const conditions = `
create table conditions (id int primary key, location text);
select hypertable(1, 'conditions');
select chunk(1, 1);
create table _timescaledb_internal._materialized_hypertable_2 (id int primary key, mean float8);
select hypertable(2, '_timescaledb_internal._materialized_hypertable_2');
insert into _timescaledb_catalog.continuous_agg
  values (2, 1, 'public', 'conditions_summary', '_timescaledb_internal', '_partial_view_2');
create table _timescaledb_internal.bgw_job_stat (job_id int primary key);
`

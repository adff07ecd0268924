"""Reads Parquet files with pyarrow and DuckDB, and writes what is in them as JSON, one line for each file.

Arguments: the file for the JSON, and the files to read.

Values are written so that none is lost: integers as text, floating-point numbers as the hexadecimal digits of their bits, dates
in days, times and timestamps in milliseconds, decimals and texts after a letter, structs and maps as lists.
"""

import datetime
import json
import math
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def bits(value):
    return 'NaN' if math.isnan(value) else struct.pack('>d', value).hex()


def milliseconds(value):
    return str(((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000)


def scalar(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return bits(value)
    if isinstance(value, str):
        return 's:' + value
    if isinstance(value, (bytes, bytearray)):
        return 'x:' + bytes(value).hex()
    if isinstance(value, datetime.datetime):
        return str((value - EPOCH) // datetime.timedelta(milliseconds=1))
    if isinstance(value, datetime.date):
        return str((value - EPOCH.date()).days)
    if isinstance(value, datetime.time):
        return milliseconds(value)
    return 'd:' + format(value, 'f')


def of_arrow(value, kind):
    if value is None:
        return None
    if pa.types.is_map(kind):
        return [[of_arrow(k, kind.key_type), of_arrow(v, kind.item_type)] for k, v in value]
    if pa.types.is_list(kind):
        return [of_arrow(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        return [of_arrow(value[kind.field(i).name], kind.field(i).type) for i in range(kind.num_fields)]
    return scalar(value)


def of_duckdb(value, kind):
    if value is None:
        return None
    if kind.id == 'list':
        return [of_duckdb(item, kind.children[0][1]) for item in value]
    if kind.id == 'map':
        (_, key), (_, item) = kind.children
        return [[of_duckdb(k, key), of_duckdb(v, item)] for k, v in value.items()]
    if kind.id == 'struct':
        return [of_duckdb(value[name], child) for name, child in kind.children]
    return scalar(value)


def faulty_statistics(file, table_type):
    """Compares the statistics of columns that are not nested with the values of their row groups."""
    faults = []
    for group in range(file.metadata.num_row_groups):
        metadata = file.metadata.row_group(group)
        columns = file.read_row_group(group)
        paths = [metadata.column(i).path_in_schema for i in range(metadata.num_columns)]
        for at, kind in enumerate(table_type):
            if pa.types.is_nested(kind.type) or paths.count(kind.name) != 1:
                continue
            chunk = metadata.column(paths.index(kind.name))
            values = columns.column(at)
            found = chunk.statistics
            wanted = [chunk.num_values, values.null_count]
            got = [len(values), found.null_count]
            if found.has_min_max:
                present = [value for value in values.to_pylist() if value is not None]
                wanted += [scalar(found.min), scalar(found.max)]
                got += [scalar(min(present)), scalar(max(present))]
                zeros = {bits(0.0), bits(-0.0)}
                wanted = [bits(0.0) if value in zeros else value for value in wanted]
                got = [bits(0.0) if value in zeros else value for value in got]
            if wanted != got:
                faults.append([group, kind.name, wanted, got])
    return faults


def described(path):
    file = pq.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    table.validate(full=True)
    columns = [[of_arrow(value, field.type) for value in table.column(i).to_pylist()] for i, field in enumerate(table.schema)]
    relation = duckdb.from_parquet(path)
    rows = [[of_duckdb(value, kind) for value, kind in zip(row, relation.types)] for row in relation.fetchall()]
    metadata = file.metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    bounded = [[i for i in range(group.num_columns) if group.column(i).statistics.has_min_max] for group in groups]
    return {
        'schema': str(file.schema).split('\n', 1)[1],
        'pyarrow': [list(row) for row in zip(*columns)],
        'duckdb': rows,
        'bounded': bounded,
        'faultyStatistics': faulty_statistics(file, table.schema),
    }


with open(sys.argv[1], 'w') as output:
    for name in sys.argv[2:]:
        print(json.dumps(described(name)), file=output)

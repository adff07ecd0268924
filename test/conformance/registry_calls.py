"""Calls the methods of Confluent's Python client against a registry, and sends records through its serializers.

Arguments: the URL of the registry, and the address of the broker. Each line of the output is a call and its result as JSON.
"""

import json
import sys

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.schema_registry.schema_registry_client import ConfigCompatibilityLevel, ServerConfig
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

url, broker = sys.argv[1:]
client = SchemaRegistryClient({"url": url})


def shown(result):
    if isinstance(result, (list, tuple)):
        return [shown(one) for one in result]
    if hasattr(result, "to_dict"):
        return {name: value for name, value in result.to_dict().items() if value is not None}
    return result


def call(what, action):
    try:
        result = shown(action())
    except SchemaRegistryError as error:
        result = {"error": error.error_code, "message": error.error_message}
    print(what, json.dumps(result, sort_keys=True, default=str), sep="\t", flush=True)
    return result


def record(name, *fields):
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": list(fields)})


item = Schema(record("Item", {"name": "sku", "type": "string"}), "AVRO")
order = Schema(
    record("Order", {"name": "id", "type": "long"}, {"name": "items", "type": {"type": "array", "items": "shop.Item"}}),
    "AVRO",
    [SchemaReference("shop.Item", "items", 1)],
)
narrow = Schema(record("Order", {"name": "id", "type": "string"}), "AVRO")
part = Schema('syntax = "proto3"; package shop; message Part { string sku = 1; }', "PROTOBUF")
list_of = 'syntax = "proto3"; package shop; import "part.proto"; message List { repeated Part parts = 1; %s note = 2; }'
parts = Schema(list_of % "string", "PROTOBUF", [SchemaReference("part.proto", "part", 1)])
numbers = Schema(list_of % "int32", "PROTOBUF", [SchemaReference("part.proto", "part", 1)])
customer = Schema(json.dumps({"type": "object", "properties": {"name": {"type": "string"}}}), "JSON")

call("get_schema_types", client.get_schema_types)
call("get_contexts", client.get_contexts)
call("register_schema items", lambda: client.register_schema("items", item))
call("register_schema items again", lambda: client.register_schema("items", item))
call("register_schema orders", lambda: client.register_schema("orders", order))
call("register_schema_full_response orders", lambda: client.register_schema_full_response("orders", order))
call("register_schema orders, incompatible", lambda: client.register_schema("orders", narrow))
call("register_schema customers", lambda: client.register_schema("customers", customer))
call("register_schema part", lambda: client.register_schema("part", part))
call("register_schema parts", lambda: client.register_schema("parts", parts))
call("register_schema parts, incompatible", lambda: client.register_schema("parts", numbers))
call("register_schema parts, invalid", lambda: client.register_schema("parts", Schema("message {", "PROTOBUF")))
call("lookup_schema parts", lambda: client.lookup_schema("parts", parts))
call("get_schema parts, serialized", lambda: client.get_schema(5, fmt="serialized"))
call("test_compatibility parts", lambda: client.test_compatibility("parts", numbers))
for name in ("parts", "part"):
    client.delete_subject(name)
    client.delete_subject(name, permanent=True)
call("register_schema, invalid", lambda: client.register_schema("bad", Schema('{"type":"nope"}', "AVRO")))
client.clear_caches()
call("get_schema", lambda: client.get_schema(2))
call("get_schema, unknown", lambda: client.get_schema(999))
call("get_schema_versions", lambda: client.get_schema_versions(1))
call("get_subjects_by_schema_id", lambda: client.get_subjects_by_schema_id(1))
call("get_subjects", client.get_subjects)
call("get_subjects with a prefix", lambda: client.get_subjects(subject_prefix="ord"))
call("get_versions", lambda: client.get_versions("orders"))
call("get_version", lambda: client.get_version("orders", 1))
call("get_version, unknown", lambda: client.get_version("orders", 9))
call("get_latest_version", lambda: client.get_latest_version("items"))
call("get_latest_version, unknown", lambda: client.get_latest_version("nope"))
call("get_referenced_by", lambda: client.get_referenced_by("items", 1))
call("lookup_schema", lambda: client.lookup_schema("orders", order))
call("lookup_schema, unknown", lambda: client.lookup_schema("orders", narrow))
call("test_compatibility", lambda: client.test_compatibility("orders", order))
call("test_compatibility, incompatible", lambda: client.test_compatibility("orders", narrow))
call("test_compatibility_all_versions", lambda: client.test_compatibility_all_versions("orders", narrow))
call("get_compatibility", client.get_compatibility)
call("set_compatibility", lambda: client.set_compatibility("orders", "FULL_TRANSITIVE"))
call("get_compatibility orders", lambda: client.get_compatibility("orders"))
call("set_config", lambda: client.set_config("items", ServerConfig(compatibility=ConfigCompatibilityLevel.NONE)))
call("get_config", lambda: client.get_config("items"))
call("delete_config", lambda: client.delete_config("items"))
call("get_config, deleted", lambda: client.get_config("items"))
call("get_global_mode", client.get_global_mode)
call("update_mode", lambda: client.update_mode("orders", "READONLY"))
call("get_mode", lambda: client.get_mode("orders"))
call("register_schema, read only", lambda: client.register_schema("orders", narrow))
call("delete_mode", lambda: client.delete_mode("orders"))
call("update_global_mode", lambda: client.update_global_mode("READWRITE"))
call("delete_version, referenced", lambda: client.delete_version("items", 1))
call("delete_subject orders", lambda: client.delete_subject("orders"))
call("delete_subject orders for good", lambda: client.delete_subject("orders", permanent=True))
call("delete_version items", lambda: client.delete_version("items", 1))
call("get_subjects, deleted too", lambda: client.get_subjects(deleted=True))
call("get_subjects, deleted only", lambda: client.get_subjects(deleted_only=True))
call("delete_subject items, twice", lambda: client.delete_subject("items"))


def through(topic, serializer, deserializer, values):
    """Sends values through a topic. Returns what a consumer reads."""
    place = SerializationContext(topic, MessageField.VALUE)
    producer = Producer({"bootstrap.servers": broker})
    for value in values:
        producer.produce(topic, serializer(value, place))
    producer.flush(60)
    consumer = Consumer({"bootstrap.servers": broker, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    read = []
    while len(read) < len(values):
        message = consumer.poll(60)
        if message is None or message.error():
            raise RuntimeError(f"no record: {message and message.error()}")
        read.append(deserializer(message.value(), place))
    consumer.close()
    return read


orders = [{"id": 2**60 + at, "items": [{"sku": "é\u0000"}] * at} for at in range(3)]
client.register_schema("items", item)
client.clear_caches()
# A schema that is registered again gets another version.
order = Schema(order.schema_str, "AVRO", [SchemaReference("shop.Item", "items", client.get_latest_version("items").version)])
avro = AvroSerializer(client, order)
print("avro through a topic", json.dumps(through("orders", avro, AvroDeserializer(client), orders) == orders), sep="\t")
people = [{"name": "Ada"}, {"name": "\u65e5"}]
titled = json.dumps({"title": "Customer", "type": "object", "properties": {"name": {"type": "string"}}})
checked = JSONSerializer(titled, client)
print("json through a topic", json.dumps(through("people", checked, JSONDeserializer(titled, schema_registry_client=client), people) == people), sep="\t")


def field(message, name, number, kind, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL, type_name=None):
    message.field.add(name=name, number=number, type=kind, label=label, type_name=type_name)


def classes_of():
    """The class of a message with a map, a nested message, an import of the program's and one of Protobuf's."""
    kinds = descriptor_pb2.FieldDescriptorProto
    line = descriptor_pb2.FileDescriptorProto(name="shop/line.proto", package="shop", syntax="proto3")
    message = line.message_type.add(name="Line")
    field(message, "sku", 1, kinds.TYPE_STRING)
    field(message, "amount", 2, kinds.TYPE_SINT64)
    order = descriptor_pb2.FileDescriptorProto(name="shop/order.proto", package="shop", syntax="proto3")
    order.dependency.extend(["shop/line.proto", timestamp_pb2.DESCRIPTOR.name])
    order.message_type.add(name="First")
    message = order.message_type.add(name="Order")
    field(message, "id", 1, kinds.TYPE_INT64)
    field(message, "lines", 2, kinds.TYPE_MESSAGE, kinds.LABEL_REPEATED, ".shop.Line")
    field(message, "at", 3, kinds.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp")
    field(message, "labels", 4, kinds.TYPE_MESSAGE, kinds.LABEL_REPEATED, ".shop.Order.LabelsEntry")
    entry = message.nested_type.add(name="LabelsEntry")
    entry.options.map_entry = True
    field(entry, "key", 1, kinds.TYPE_STRING)
    field(entry, "value", 2, kinds.TYPE_STRING)
    pool = descriptor_pool.Default()
    for file in (line, order):
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


Order = classes_of()
messages = []
for at in range(3):
    messages.append(Order(id=2**60 + at, labels={"é": str(at)}))
    messages[at].at.FromSeconds(at)
    for _ in range(at):
        messages[at].lines.add(sku="a\u0000", amount=-at)
# A client keeps the text of what it has registered, which a deserializer of the same client takes for a descriptor.
reading = SchemaRegistryClient({"url": url})
reader = ProtobufDeserializer(Order, schema_registry_client=reading)
read = through("messages", ProtobufSerializer(Order, client), reader, messages)
print("protobuf through a topic", json.dumps(read == messages), sep="\t")
call("get_latest_version messages", lambda: client.get_latest_version("messages-value"))
client.register_schema("latest-value", client.get_latest_version("messages-value").schema)
latest = {"auto.register.schemas": False, "use.latest.version": True}
read = through("latest", ProtobufSerializer(Order, SchemaRegistryClient({"url": url}), latest), reader, messages)
print("protobuf of the latest version", json.dumps(read == messages), sep="\t")

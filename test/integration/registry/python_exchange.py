"""Reads messages with Confluent's client and writes what it has read. Takes {"url", "cases": [{"format", "topic", "messages"}]} with messages in
hexadecimal digits, and prints a line of JSON for each case: {"values", "messages"}."""

import base64
import json
import sys

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2

asked = json.load(sys.stdin)
latest = {"auto.register.schemas": False, "use.latest.version": True}


def client():
    return SchemaRegistryClient({"url": asked["url"]})


def class_of(message):
    """The class of a message's schema, of which the registry has the descriptor."""
    schema = client().get_schema(int.from_bytes(message[1:5], "big"), fmt="serialized")
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(schema.schema_str))
    file.name = "exchange.proto"
    assert timestamp_pb2.DESCRIPTOR.name in file.dependency
    pool = descriptor_pool.Default()
    pool.Add(file)
    name = f"{file.package}.{file.message_type[0].name}".lstrip(".")
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def serdes(form, messages):
    if form == "avro":
        return AvroDeserializer(client()), AvroSerializer(client(), conf=latest), lambda value: value
    if form == "json":
        text = client().get_schema(int.from_bytes(messages[0][1:5], "big")).schema_str
        reader = JSONDeserializer(None, schema_registry_client=client())
        return reader, JSONSerializer(text, client(), conf=latest), lambda value: value
    kind = class_of(messages[0])
    shown = lambda value: json_format.MessageToDict(value, preserving_proto_field_name=True)
    return ProtobufDeserializer(kind, schema_registry_client=client()), ProtobufSerializer(kind, client(), latest), shown


for case in asked["cases"]:
    messages = [bytes.fromhex(text) for text in case["messages"]]
    place = SerializationContext(case["topic"], MessageField.VALUE)
    reader, writer, shown = serdes(case["format"], messages)
    values = [reader(message, place) for message in messages]
    back = [writer(value, place).hex() for value in values]
    print(json.dumps({"values": [shown(value) for value in values], "messages": back}, default=str), flush=True)

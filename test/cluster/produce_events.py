"""A producer that is not ours: confluent-kafka (librdkafka) with its own AvroSerializer.

It writes events that a test can compute apart. Event n of 0 .. count-1 of a run with `seed` and
`members`:

    member index   i = (n + seed) mod members
    key            "m-<i>"
    eventId        "e-<seed>-<n>"
    memberId       "m-<i>"
    long with logicalType timestamp-millis   base_time + n * step_ms
    enum           symbols[n mod number of symbols]
    string         "<field name>-<n mod 10>"
    int, long      n mod 1000
    float, double  (n mod 1000) / 2
    boolean        n is even
    bytes          empty
    array, map     empty
    a union with null   null; any other union: its first branch
    a nested record     by the same rules

`--set FIELD=TEMPLATE` replaces a field of the outer record by a string in which {n}, {i} and {seed} are
filled in. `--poison-every K` writes, for every n with n mod K == K - 1, the bytes "poison-<n>" instead of
an event, under the same key. test/cluster/produced-events.ts computes the same in TypeScript.

The subject is the topic's value subject (TopicNameStrategy); the serializer registers the schema. The
last line on standard output is JSON: events, poison, seconds, and how many went to each partition.
"""

import argparse
import collections
import json
import sys
import time

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--registry", required=True, help="base URL of Confluent's API")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--schema", required=True, help="an .avsc file")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument(
        "--partitioner",
        default="",
        choices=["", "murmur2_random", "murmur2", "consistent_random", "consistent"],
        help="empty: librdkafka's default (CRC32)",
    )
    parser.add_argument("--base-time", type=int, help="epoch ms of event 0; default: now")
    parser.add_argument("--step-ms", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="FIELD=TEMPLATE")
    parser.add_argument("--poison-every", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0, help="events a second; 0: no pause")
    return parser.parse_args()


def value_of(kind, name, n, at):
    """The value of a field, by the rules above."""
    if isinstance(kind, list):
        return None if "null" in kind else value_of(kind[0], name, n, at)
    if isinstance(kind, str):
        kind = {"type": kind}
    base = kind["type"]
    if isinstance(base, (dict, list)):
        return value_of(base, name, n, at)
    if kind.get("logicalType") == "timestamp-millis":
        return at
    if base == "enum":
        return kind["symbols"][n % len(kind["symbols"])]
    if base == "record":
        return {f["name"]: value_of(f["type"], f["name"], n, at) for f in kind["fields"]}
    simple = {
        "string": f"{name}-{n % 10}",
        "int": n % 1000,
        "long": n % 1000,
        "float": (n % 1000) / 2,
        "double": (n % 1000) / 2,
        "boolean": n % 2 == 0,
        "bytes": b"",
        "array": [],
        "map": {},
        "null": None,
    }
    return simple[base]


def event_of(schema, n, member, at, options, templates):
    """Event n as a dict."""
    event = value_of(schema, "", n, at)
    if "eventId" in event:
        event["eventId"] = f"e-{options.seed}-{n}"
    if "memberId" in event:
        event["memberId"] = f"m-{member}"
    for field, template in templates:
        event[field] = template.format(n=n, i=member, seed=options.seed)
    return event


def main():
    options = arguments()
    with open(options.schema, encoding="utf-8") as file:
        text = file.read()
    schema = json.loads(text)
    templates = [pair.split("=", 1) for pair in getattr(options, "set")]
    config = {
        "bootstrap.servers": options.brokers,
        "enable.idempotence": True,
        "linger.ms": 5,
        "compression.type": "none",
    }
    if options.partitioner:
        config["partitioner"] = options.partitioner
    producer = Producer(config)
    registry = SchemaRegistryClient({"url": options.registry})
    serialize = AvroSerializer(registry, text)
    context = SerializationContext(options.topic, MessageField.VALUE)
    partitions = collections.Counter()
    failed = []

    def told(error, message):
        if error is not None:
            failed.append(str(error))
        else:
            partitions[message.partition()] += 1

    started = time.time()
    base = options.base_time if options.base_time is not None else int(started * 1000)
    poison = 0
    for n in range(options.count):
        member = (n + options.seed) % options.members
        if options.poison_every and n % options.poison_every == options.poison_every - 1:
            value = f"poison-{n}".encode()
            poison += 1
        else:
            at = base + n * options.step_ms
            value = serialize(event_of(schema, n, member, at, options, templates), context)
        while True:
            try:
                producer.produce(options.topic, key=f"m-{member}", value=value, on_delivery=told)
                break
            except BufferError:  # its queue of 100,000 is full
                producer.poll(0.1)
        producer.poll(0)
        if options.rate:
            ahead = started + (n + 1) / options.rate - time.time()
            if ahead > 0:
                producer.poll(ahead)
    left = producer.flush(60)
    if failed or left:
        print(f"{len(failed)} failed, {left} not sent: {failed[:3]}", file=sys.stderr)
        sys.exit(1)
    print(
        json.dumps(
            {
                "events": options.count - poison,
                "poison": poison,
                "baseTime": base,
                "seconds": round(time.time() - started, 3),
                "partitions": {str(k): v for k, v in sorted(partitions.items())},
            }
        )
    )


main()

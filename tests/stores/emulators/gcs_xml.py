"""Google's XML API in front of fake-gcs-server, which speaks the JSON API and reads objects by XML alone.

The binary writes, lists and removes by XML, so these requests are put into the emulator's words here. What an object
is, its generations and ETags, ranges and conditions of writes stay the emulator's. Not the emulator's, and so no proof
of how Google's service behaves: multipart uploads, which are kept here until they are completed, `If-Match`, pages of
lists (three keys each, so that there are several), and the check of the bearer token. There are no signatures.
"""
import hashlib
import http.client
import http.server
import itertools
import json
import re
import threading
import urllib.parse
from xml.sax.saxutils import escape

PAGE_KEYS = 3
PART_BYTES_MIN = 5 << 20
quote = lambda text: urllib.parse.quote(text, safe="")


class XmlApi(http.server.ThreadingHTTPServer):
    """Listens on a free port of this machine; without a token anybody is let in."""

    daemon_threads = True

    def __init__(self, emulator_port, token):
        super().__init__(("127.0.0.1", 0), Handler)
        self.emulator_port, self.token = emulator_port, token
        self.uploads, self.part_counts, self.ids = {}, {}, itertools.count(1)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """Says nothing: whoever is stopped does not wait for an answer."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        headers = dict(headers)
        headers.setdefault("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, status, code, message):
        self.answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode())

    def ask(self, method, path, body=None, headers=None):
        """Asks the emulator; returns status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.emulator_port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            return self.fail(401, "AuthenticationRequired", "Authentication required.")
        path, _, query = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        bucket, _, key = (urllib.parse.unquote(step) for step in path[1:].partition("/"))
        if self.ask("GET", f"/storage/v1/b/{quote(bucket)}")[0] == 404:
            return self.fail(404, "NoSuchBucket", "The specified bucket does not exist.")
        if not key:
            return self.list(bucket, query)
        if self.command == "POST" and "uploads" in query:
            upload = f"upload-{next(self.server.ids)}"
            self.server.uploads[upload] = (bucket, key, {})
            return self.answer(200, f"<InitiateMultipartUploadResult><Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}"
                               f"</Key><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode())
        if "uploadId" in query:
            return self.upload(bucket, key, query, body)
        if self.command == "PUT":
            status, generation, tag = self.write(bucket, key, body)
            if status != 200:
                return self.fail(status, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
            return self.answer(200, headers={"ETag": tag, "x-goog-generation": generation})
        if self.command == "DELETE":
            status, _, _ = self.ask("DELETE", f"/storage/v1/b/{quote(bucket)}/o/{quote(key)}")
            return self.answer(204) if status < 300 else self.fail(404, "NoSuchKey", "The specified key does not exist.")
        return self.read(bucket, key)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

    def read(self, bucket, key):
        path = f"/{quote(bucket)}/{quote(key)}"
        wanted = self.headers.get("If-Match")
        if wanted and self.ask("HEAD", path)[1].get("ETag") not in (wanted, None):
            return self.fail(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
        ranges = {"Range": self.headers["Range"]} if "Range" in self.headers else {}
        status, headers, body = self.ask(self.command, path, headers=ranges)
        if status == 404:
            return self.fail(404, "NoSuchKey", "The specified key does not exist.")
        kept = ("ETag", "Last-Modified", "Content-Range", "Content-Length", "Content-Type", "X-Goog-Generation")
        self.answer(status, body, [(name, headers[name]) for name in kept if name in headers])

    def write(self, bucket, key, body):
        """Writes an object by the JSON API; returns status, generation, ETag."""
        condition = self.headers.get("x-goog-if-generation-match")
        about = json.dumps({"name": key}).encode()
        edge = hashlib.sha256(body).hexdigest().encode()
        parts = (b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (edge, kind, content) for kind, content in
                 ((b"application/json", about), (b"application/octet-stream", body)))
        path = f"/upload/storage/v1/b/{quote(bucket)}/o?uploadType=multipart"
        path += f"&ifGenerationMatch={condition}" if condition else ""
        kind = {"Content-Type": f"multipart/related; boundary={edge.decode()}"}
        status, _, answer = self.ask("POST", path, b"".join(parts) + b"--%s--" % edge, kind)
        about = json.loads(answer)
        return status, about.get("generation"), '"%s"' % about.get("etag")

    def upload(self, bucket, key, query, body):
        upload = query["uploadId"]
        if self.server.uploads.get(upload, ())[:2] != (bucket, key):
            return self.fail(404, "NoSuchUpload", "The specified upload does not exist.")
        parts = self.server.uploads[upload][2]
        if self.command == "PUT":
            tag = '"%s"' % hashlib.md5(body).hexdigest()
            parts[int(query["partNumber"])] = (tag, body)
            return self.answer(200, headers={"ETag": tag})
        if self.command == "POST":
            named = re.findall(r"<ETag>(.*?)</ETag>\s*<PartNumber>(\d+)</PartNumber>", body.decode())
            named = [(int(number), tag.replace("&quot;", '"')) for tag, number in named]
            if named != sorted((number, tag) for number, (tag, _) in parts.items()):
                return self.fail(400, "InvalidPart", "One or more of the specified parts could not be found.")
            contents = [parts[number][1] for number, _ in named]
            if any(len(content) < PART_BYTES_MIN for content in contents[:-1]):
                return self.fail(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed.")
            _, generation, tag = self.write(bucket, key, b"".join(contents))
            self.server.part_counts[bucket, key] = len(parts)
            answer = (f"<CompleteMultipartUploadResult><Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
                      f"<ETag>{tag}</ETag></CompleteMultipartUploadResult>")
            del self.server.uploads[upload]
            return self.answer(200, answer.encode(), {"x-goog-generation": generation})
        del self.server.uploads[upload]
        self.answer(204)

    def list(self, bucket, query):
        keys = min(PAGE_KEYS, int(query.get("max-keys", PAGE_KEYS)))
        after = query.get("continuation-token", "")
        path = f"/storage/v1/b/{quote(bucket)}/o?prefix={quote(query.get('prefix', ''))}"
        _, _, answer = self.ask("GET", path)
        found = sorted(json.loads(answer).get("items", []), key=lambda one: one["name"].encode())
        found = [one for one in found if one["name"].encode() > after.encode()]
        page, more = found[:keys], len(found) > keys
        token = f"<NextContinuationToken>{escape(page[-1]['name'])}</NextContinuationToken>" if more else ""
        contents = "".join(
            f"<Contents><Key>{escape(one['name'])}</Key><Generation>{one['generation']}</Generation><LastModified>"
            f"{one['updated']}</LastModified><ETag>&quot;{one['etag']}&quot;</ETag><Size>{one['size']}</Size></Contents>"
            for one in page)
        self.answer(200, f"<ListBucketResult><Name>{escape(bucket)}</Name><IsTruncated>{str(more).lower()}</IsTruncated>"
                    f"{token}{contents}</ListBucketResult>".encode())

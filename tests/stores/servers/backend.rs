//! Buckets in memory behind the protocol of `s3s`.
//!
//! Where S3 lets a client get away with something, this does not: an upload that is completed is
//! no longer known, parts but the last have a smallest size. Dates in conditions are not read.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use async_trait::async_trait;
use hyper::StatusCode;
use hyper::body::Bytes;
use s3s::dto::*;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use xxhash_rust::xxh3::xxh3_128;

/// Buckets, shared between the server and its test.
#[derive(Debug, Clone, Default)]
pub struct Backend(Arc<Mutex<State>>);

/// What the buckets hold.
#[derive(Debug)]
pub struct State {
    /// Objects by bucket and key.
    pub buckets: BTreeMap<String, BTreeMap<String, Object>>,
    /// Uploads that were begun and neither completed nor aborted, by id.
    pub uploads: BTreeMap<String, Upload>,
    /// The keys of objects in the order in which clients made them visible.
    pub completed: Vec<String>,
    /// What objects turn into after some more reads, by bucket and key.
    pub replacements: BTreeMap<(String, String), (u64, Bytes)>,
    /// How many keys a page of a listing has at most.
    pub page_keys: usize,
    /// How many bytes a part has that is not the last.
    pub part_bytes_min: usize,
    uploads_begun: u64,
}

impl Default for State {
    fn default() -> State {
        State {
            buckets: BTreeMap::new(),
            uploads: BTreeMap::new(),
            completed: Vec::new(),
            replacements: BTreeMap::new(),
            page_keys: 1000,
            part_bytes_min: 5 * 1024 * 1024,
            uploads_begun: 0,
        }
    }
}

/// An object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its content.
    pub bytes: Bytes,
    e_tag: String,
    modified: SystemTime,
}

/// An upload in parts that is under way.
#[derive(Debug)]
pub struct Upload {
    bucket: String,
    key: String,
    parts: BTreeMap<i32, Object>,
}

impl Backend {
    /// Returns the state, which nobody else changes meanwhile.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Object {
    /// Returns an object whose ETag follows from its content.
    pub fn new(bytes: Bytes) -> Object {
        let e_tag = format!("{:032x}", xxh3_128(&bytes));
        Object { bytes, e_tag, modified: SystemTime::now() }
    }

    fn e_tag(&self) -> ETag {
        ETag::Strong(self.e_tag.clone())
    }

    /// Refuses a read whose conditions do not hold.
    fn check_read(
        &self,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result {
        if if_match.is_some_and(|condition| !self.matches(condition)) {
            return Err(s3_error!(PreconditionFailed));
        }
        if if_none_match.is_some_and(|condition| self.matches(condition)) {
            let mut error = s3_error!(NotModified);
            error.set_status_code(StatusCode::NOT_MODIFIED);
            return Err(error);
        }
        Ok(())
    }

    fn matches(&self, condition: &ETagCondition) -> bool {
        condition.as_etag().is_none_or(|e_tag| e_tag.value() == self.e_tag)
    }
}

impl State {
    fn bucket(&mut self, name: &str) -> S3Result<&mut BTreeMap<String, Object>> {
        self.buckets.get_mut(name).ok_or_else(|| s3_error!(NoSuchBucket))
    }

    /// Returns an object, which is another from then on if it is due to be replaced.
    fn read(&mut self, bucket: &str, key: &str) -> S3Result<Object> {
        let place = (bucket.to_string(), key.to_string());
        let found = self.bucket(bucket)?.get(key).cloned().ok_or_else(|| s3_error!(NoSuchKey))?;
        let Some((reads, _)) = self.replacements.get_mut(&place) else { return Ok(found) };
        if *reads > 0 {
            *reads -= 1;
            return Ok(found);
        }
        let (_, bytes) = self.replacements.remove(&place).expect("it was just found");
        let object = Object::new(bytes);
        self.bucket(bucket)?.insert(key.to_string(), object.clone());
        Ok(object)
    }

    /// Makes an object visible unless its conditions say no.
    fn write(
        &mut self,
        (bucket, key): (&str, &str),
        object: Object,
        if_match: Option<&ETagCondition>,
        if_none_match: Option<&ETagCondition>,
    ) -> S3Result {
        let objects = self.bucket(bucket)?;
        let there = objects.get(key);
        let lacks = |condition| !there.is_some_and(|object| object.matches(condition));
        let has = |condition| there.is_some_and(|object| object.matches(condition));
        if if_match.is_some_and(lacks) || if_none_match.is_some_and(has) {
            return Err(s3_error!(PreconditionFailed));
        }
        objects.insert(key.to_string(), object);
        self.completed.push(key.to_string());
        Ok(())
    }

    fn upload(&mut self, id: &str, bucket: &str, key: &str) -> S3Result<&mut Upload> {
        let upload = self.uploads.get_mut(id);
        let ours = upload.filter(|upload| upload.bucket == bucket && upload.key == key);
        ours.ok_or_else(|| s3_error!(NoSuchUpload))
    }

    /// Puts the parts together that a client names.
    fn join(&mut self, input: &CompleteMultipartUploadInput) -> S3Result<Object> {
        let part_bytes_min = self.part_bytes_min;
        let upload = self.upload(&input.upload_id, &input.bucket, &input.key)?;
        let named = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_ref());
        let named = named.filter(|parts| !parts.is_empty()).ok_or(s3_error!(MalformedXML))?;
        if !named.is_sorted_by_key(|part| part.part_number) {
            return Err(s3_error!(InvalidPartOrder));
        }
        let mut bytes = Vec::new();
        for (index, part) in named.iter().enumerate() {
            let number = part.part_number.ok_or(s3_error!(MalformedXML))?;
            let stored = upload.parts.get(&number).ok_or(s3_error!(InvalidPart))?;
            if part.e_tag.as_ref().is_none_or(|e_tag| e_tag.value() != stored.e_tag) {
                return Err(s3_error!(InvalidPart));
            }
            if index + 1 < named.len() && stored.bytes.len() < part_bytes_min {
                return Err(s3_error!(EntityTooSmall));
            }
            bytes.extend_from_slice(&stored.bytes);
        }
        let mut object = Object::new(bytes.into());
        object.e_tag.push_str(&format!("-{}", named.len()));
        Ok(object)
    }

    /// Lists a page: objects, common prefixes, and where the next page starts.
    fn list(&mut self, input: &ListObjectsV2Input) -> S3Result<Page> {
        let asked = input.max_keys.map_or(1000, |keys| keys as usize);
        let limit = asked.min(self.page_keys);
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let token = input.continuation_token.as_deref();
        let is_parted = input.delimiter.is_some();
        let mut after = token.or(input.start_after.as_deref()).unwrap_or_default().to_string();
        let objects = self.bucket(&input.bucket)?;
        let mut page = Page::default();
        loop {
            let mut rest = objects.range((Bound::Excluded(after.clone()), Bound::Unbounded));
            // an object that stands for the folder itself hides nothing
            let is_done = |key: &str| is_parted && after != prefix && is_below(key, &after);
            let next = rest.find(|(key, _)| key.starts_with(prefix) && !is_done(key));
            let Some((key, object)) = next else { return Ok(page) };
            if page.objects.len() + page.prefixes.len() == limit {
                page.next = Some(after);
                return Ok(page);
            }
            let folder = input.delimiter.as_deref().and_then(|delimiter| {
                let end = key[prefix.len()..].find(delimiter)? + delimiter.len();
                Some(key[..prefix.len() + end].to_string())
            });
            after = folder.clone().unwrap_or_else(|| key.clone());
            match folder {
                Some(folder) => page.prefixes.push(CommonPrefix { prefix: Some(folder) }),
                None => page.objects.push(listed(key, object)),
            }
        }
    }
}

/// Tells whether `key` belongs to the common prefix that was listed last.
fn is_below(key: &str, last: &str) -> bool {
    last.ends_with('/') && key.starts_with(last)
}

#[derive(Default)]
struct Page {
    objects: Vec<s3s::dto::Object>,
    prefixes: Vec<CommonPrefix>,
    next: Option<String>,
}

fn listed(key: &str, object: &Object) -> s3s::dto::Object {
    s3s::dto::Object {
        key: Some(key.to_string()),
        e_tag: Some(object.e_tag()),
        size: Some(object.bytes.len() as i64),
        last_modified: Some(object.modified.into()),
        ..Default::default()
    }
}

#[async_trait]
impl S3 for Backend {
    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.state().bucket(&request.input.bucket)?;
        done(HeadBucketOutput::default())
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = request.input;
        let object = self.state().read(&input.bucket, &input.key)?;
        object.check_read(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        done(HeadObjectOutput {
            accept_ranges: Some("bytes".to_string()),
            content_length: Some(object.bytes.len() as i64),
            e_tag: Some(object.e_tag()),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        })
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.state().read(&input.bucket, &input.key)?;
        object.check_read(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let length = object.bytes.len() as u64;
        let range = input.range.map(|range| range.check(length)).transpose()?;
        let content_range =
            range.as_ref().map(|range| format!("bytes {}-{}/{length}", range.start, range.end - 1));
        let range = range.unwrap_or(0..length);
        let bytes = object.bytes.slice(range.start as usize..range.end as usize);
        done(GetObjectOutput {
            accept_ranges: Some("bytes".to_string()),
            content_length: Some(bytes.len() as i64),
            content_range,
            e_tag: Some(object.e_tag()),
            last_modified: Some(object.modified.into()),
            body: Some(StreamingBlob::from(Body::from(bytes))),
            ..Default::default()
        })
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let page = self.state().list(&request.input)?;
        let input = request.input;
        done(ListObjectsV2Output {
            key_count: Some((page.objects.len() + page.prefixes.len()) as i32),
            max_keys: input.max_keys,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next,
            contents: Some(page.objects),
            common_prefixes: Some(page.prefixes),
            continuation_token: input.continuation_token,
            delimiter: input.delimiter,
            name: Some(input.bucket),
            prefix: input.prefix,
            start_after: input.start_after,
            ..Default::default()
        })
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        let object = Object::new(collect(input.body).await?);
        let e_tag = Some(object.e_tag());
        let place = (input.bucket.as_str(), input.key.as_str());
        let (if_match, if_none_match) = (input.if_match.as_ref(), input.if_none_match.as_ref());
        self.state().write(place, object, if_match, if_none_match)?;
        done(PutObjectOutput { e_tag, ..Default::default() })
    }

    async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let input = request.input;
        let CopySource::Bucket { bucket, key, .. } = &input.copy_source else {
            return Err(s3_error!(NotImplemented));
        };
        let mut state = self.state();
        let object = Object { modified: SystemTime::now(), ..state.read(bucket, key)? };
        let result = CopyObjectResult {
            e_tag: Some(object.e_tag()),
            last_modified: Some(object.modified.into()),
            ..Default::default()
        };
        state.write((&input.bucket, &input.key), object, None, None)?;
        done(CopyObjectOutput { copy_object_result: Some(result), ..Default::default() })
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.state().bucket(&request.input.bucket)?.remove(&request.input.key);
        done(DeleteObjectOutput::default())
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let mut state = self.state();
        let objects = state.bucket(&request.input.bucket)?;
        let delete = |object: ObjectIdentifier| {
            objects.remove(&object.key);
            DeletedObject { key: Some(object.key), ..Default::default() }
        };
        let deleted = request.input.delete.objects.into_iter().map(delete).collect();
        done(DeleteObjectsOutput { deleted: Some(deleted), ..Default::default() })
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.state();
        state.bucket(&input.bucket)?;
        state.uploads_begun += 1;
        let id = format!("upload-{}", state.uploads_begun);
        let (bucket, key) = (input.bucket, input.key);
        let upload = Upload { bucket: bucket.clone(), key: key.clone(), parts: BTreeMap::new() };
        state.uploads.insert(id.clone(), upload);
        done(CreateMultipartUploadOutput {
            bucket: Some(bucket),
            key: Some(key),
            upload_id: Some(id),
            ..Default::default()
        })
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        let part = Object::new(collect(input.body).await?);
        let e_tag = Some(part.e_tag());
        let mut state = self.state();
        let upload = state.upload(&input.upload_id, &input.bucket, &input.key)?;
        upload.parts.insert(input.part_number, part);
        done(UploadPartOutput { e_tag, ..Default::default() })
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.state();
        let object = state.join(&input)?;
        let e_tag = Some(object.e_tag());
        let place = (input.bucket.as_str(), input.key.as_str());
        let (if_match, if_none_match) = (input.if_match.as_ref(), input.if_none_match.as_ref());
        state.write(place, object, if_match, if_none_match)?;
        state.uploads.remove(&input.upload_id);
        done(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag,
            ..Default::default()
        })
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let mut state = self.state();
        state.upload(&input.upload_id, &input.bucket, &input.key)?;
        state.uploads.remove(&input.upload_id);
        done(AbortMultipartUploadOutput::default())
    }
}

fn done<T>(output: T) -> S3Result<S3Response<T>> {
    Ok(S3Response::new(output))
}

/// Reads the body of a request to its end, which must not come early.
async fn collect(body: Option<StreamingBlob>) -> S3Result<Bytes> {
    use http_body_util::BodyExt;
    let Some(body) = body else { return Ok(Bytes::new()) };
    let collected = Body::from(body).collect().await;
    // it is all there, so what can be wrong is what it was signed as
    let collected = collected.map_err(|_| s3_error!(BadDigest))?;
    Ok(collected.to_bytes())
}

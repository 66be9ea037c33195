//! The image as an OCI image layout in a tar: blobs by digest, and an index that names one manifest. containerd (`ctr
//! images import`), skopeo (`oci-archive:`), podman and docker (`load`) read it.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::str::FromStr;

use flate2::{Compression, GzBuilder};
use oci_spec::image::{
    ANNOTATION_REF_NAME, Arch, ConfigBuilder, Descriptor, DescriptorBuilder, HistoryBuilder, ImageConfigurationBuilder,
    ImageIndexBuilder, ImageManifestBuilder, MediaType, Os, PlatformBuilder, RootFsBuilder, SCHEMA_VERSION,
    Sha256Digest,
};
use ring::digest::{SHA256, digest};
use serde::Serialize;
use tar::{Builder, EntryType};

use crate::Image;
use crate::error::Error;
use crate::layer::append;

/// What containerd calls the image; without it an import keeps the tag alone.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// Writes an image as a tar; the same image gives the same bytes.
///
/// # Errors
/// The name has no tag, the user is no pair of numbers, the architecture is none that OCI knows, or writing fails.
pub fn write<W: Write>(image: &Image, to: W) -> Result<(), Error> {
    let tag = tag(&image.name)?;
    let ids = image
        .user
        .split_once(':')
        .map(|(u, g)| (u32::from_str(u), g.parse::<u32>()));
    if !matches!(ids, Some((Ok(_), Ok(_)))) {
        return Err(Error::User(image.user.clone()));
    }
    let mut blobs = Blobs::default();
    let tar = image.files.tar(image.created)?;
    let layer = blobs.add(MediaType::ImageLayerGzip, gzip(&tar)?)?;
    let configuration = blobs.add(MediaType::ImageConfig, configuration(image, &tar)?)?;
    let labels: HashMap<_, _> = image.labels.clone().into_iter().collect();
    let manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(configuration)
        .layers([layer])
        .annotations(labels)
        .build()?;
    let platform = PlatformBuilder::default()
        .os(Os::Linux)
        .architecture(image.architecture.as_str())
        .build()?;
    let mut manifest = blobs.add(MediaType::ImageManifest, json(&manifest)?)?;
    manifest.set_platform(Some(platform));
    let names = [(CONTAINERD_NAME, image.name.as_str()), (ANNOTATION_REF_NAME, tag)];
    manifest.set_annotations(Some(names.map(|(k, v)| (k.to_owned(), v.to_owned())).into()));
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests([manifest])
        .build()?;
    blobs.write(to, image.created, &json(&index)?)
}

/// The tag of a full reference; a port (`localhost:5000/app`) is none.
fn tag(name: &str) -> Result<&str, Error> {
    let tag = name.rsplit_once(':').map(|(_, tag)| tag);
    tag.filter(|t| !t.is_empty() && !t.contains('/'))
        .ok_or_else(|| Error::Name(name.to_owned()))
}

fn configuration(image: &Image, layer: &[u8]) -> Result<Vec<u8>, Error> {
    let created = i64::try_from(image.created)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok())
        .ok_or(Error::Created(image.created))?
        .to_string();
    let process = ConfigBuilder::default()
        .user(image.user.clone())
        .entrypoint(image.entrypoint.clone())
        .cmd(image.cmd.clone())
        .working_dir("/")
        .labels(image.labels.clone().into_iter().collect::<HashMap<_, _>>())
        .build()?;
    let history = HistoryBuilder::default()
        .created(created.clone())
        .created_by("headroom-image")
        .build()?;
    let rootfs = RootFsBuilder::default()
        .typ("layers")
        .diff_ids([format!("sha256:{}", sha256(layer))])
        .build()?;
    let configuration = ImageConfigurationBuilder::default()
        .created(created)
        .architecture(Arch::from(image.architecture.as_str()))
        .os(Os::Linux)
        .config(process)
        .rootfs(rootfs)
        .history([history])
        .build()?;
    json(&configuration)
}

/// JSON with sorted keys: the specification's types keep labels in hash maps, whose order changes from run to run.
fn json(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    let sorted = serde_json::to_value(document)?;
    Ok(serde_json::to_vec(&sorted)?)
}

fn gzip(tar: &[u8]) -> Result<Vec<u8>, Error> {
    // GzBuilder's header has time 0 and no file name. Level 9 takes a second for 20 MB, once.
    let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
    encoder.write_all(tar)?;
    Ok(encoder.finish()?)
}

fn sha256(content: &[u8]) -> String {
    digest(&SHA256, content)
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// The blobs by their digest.
#[derive(Default)]
struct Blobs(BTreeMap<String, Vec<u8>>);

impl Blobs {
    fn add(&mut self, media_type: MediaType, content: Vec<u8>) -> Result<Descriptor, Error> {
        let hex = sha256(&content);
        let descriptor = DescriptorBuilder::default()
            .media_type(media_type)
            .digest(Sha256Digest::from_str(&hex)?)
            .size(content.len() as u64)
            .build()?;
        self.0.insert(hex, content);
        Ok(descriptor)
    }

    fn write<W: Write>(self, to: W, created: u64, index: &[u8]) -> Result<(), Error> {
        let mut tar = Builder::new(to);
        let mut file = |path: &str, content: &[u8]| append(&mut tar, path, EntryType::Regular, 0o644, created, content);
        // First, so that a reader knows at once what it has before it.
        file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        file("index.json", index)?;
        for (hex, content) in &self.0 {
            file(&format!("blobs/sha256/{hex}"), content)?;
        }
        tar.into_inner()?.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_tag() {
        assert_eq!(tag("ghcr.io/a/b:1.0").unwrap(), "1.0");
        assert_eq!(tag("localhost:5000/a:x").unwrap(), "x");
        for name in ["a", "a:", "localhost:5000/a", ""] {
            assert!(tag(name).unwrap_err().to_string().contains("write NAME:TAG"), "{name}");
        }
    }
}

//! The certificate authorities that TLS clients in the image look for.
//!
//! rustls' platform verifier refuses to make any client where the system has none, for plain HTTP too: without this file
//! an operator from scratch would not even start. A cluster's own authority is mounted over it or beside it
//! (`SSL_CERT_DIR`, `--prometheus-ca`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Where Debian has the bundle, and where rustls-native-certs, Go and OpenSSL look first.
pub const AUTHORITIES_PATH: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Characters of base64 in a line of PEM (RFC 7468).
const LINE: usize = 64;

/// Mozilla's authorities as one PEM file, in a fixed order.
#[must_use]
pub fn authorities() -> String {
    let mut certificates: Vec<&[u8]> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(AsRef::as_ref)
        .collect();
    certificates.sort_unstable();
    // The licence asks that its text goes with the data.
    let mut pem = String::from(
        "# Certificate authorities of Mozilla, from the crate webpki-root-certs.\n\
         # Licence: CDLA-Permissive-2.0, https://cdla.dev/permissive-2-0/\n",
    );
    for certificate in certificates {
        pem += "-----BEGIN CERTIFICATE-----\n";
        let text = STANDARD.encode(certificate);
        for (at, character) in text.chars().enumerate() {
            if at > 0 && at % LINE == 0 {
                pem.push('\n');
            }
            pem.push(character);
        }
        pem += "\n-----END CERTIFICATE-----\n";
    }
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_authority_once_and_readable() {
        let pem = authorities();
        let certificates: Vec<_> = pem.split("-----BEGIN CERTIFICATE-----\n").skip(1).collect();
        // Mozilla trusts about 120 to 150 of them; a handful would be a truncated bundle.
        assert!(certificates.len() > 100, "{}", certificates.len());
        for certificate in certificates {
            let (text, _) = certificate.split_once("\n-----END CERTIFICATE-----").unwrap();
            let der = STANDARD.decode(text.replace('\n', "")).unwrap();
            assert_eq!(der[0], 0x30, "a certificate is a DER sequence");
            assert!(text.lines().all(|l| l.len() <= LINE));
        }
    }
}

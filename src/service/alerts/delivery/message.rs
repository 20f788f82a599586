//! What is sent: a CloudEvents 1.0 event, signed as Standard Webhooks asks.
//!
//! Sources: <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>,
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use crate::service::alerts::outbox::Alert;

pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// The body of a message: the same whenever it is sent.
pub fn body(alert: &Alert) -> Vec<u8> {
    let event = json!({
        "specversion": "1.0",
        "id": alert.id,
        "source": format!("/v1/subscriptions/{}", alert.subscription),
        "type": format!("kechuang.alert.{}", alert.event.name()),
        "subject": format!("{}/{}", alert.kind, alert.item),
        "time": alert.at,
        "datacontenttype": "application/json",
        "data": alert,
    });
    serde_json::to_vec(&event).expect("an event has only string keys")
}

/// Makes a secret: 32 random bytes.
pub fn new_secret() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// Signs a message: the value of `webhook-signature`. `timestamp` is in seconds since 1970-01-01.
///
/// `None` for a secret that is none.
pub fn sign(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_standard_says() {
        // The example of the reference libraries.
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign("secret", "a", 0, b""), None);
        assert_eq!(sign(&new_secret(), "a", 0, b"").map(|text| text.len()), Some(47));
    }
}

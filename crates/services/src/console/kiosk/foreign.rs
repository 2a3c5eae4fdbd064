//! QR codes that people show by mistake, and what to tell them. Nobody is asked about these.

use medpay::emv::BillCode;

/// The start of an EMV code: its first data object, the format.
const EMV: &str = "000201";

/// A text that is no identity code at first sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// The code of this city by which the cash part of a bill is paid.
    Bill,
    /// A code of some payment app.
    Payment,
    /// The address of a web page.
    Link,
    /// A question of a kiosk, which a phone should read.
    Question,
}

impl Foreign {
    /// What `text` is; `None` = it may be an identity code, and the verifier has to say.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("http" | "https") => Some(Self::Link),
            Some("weixin" | "wxp" | "alipay" | "alipays") => Some(Self::Payment),
            _ if text.starts_with("EIDC:") => Some(Self::Question),
            _ if BillCode::decode(text).is_ok() => Some(Self::Bill),
            _ if text.starts_with(EMV) => Some(Self::Payment),
            _ => None,
        }
    }

    /// Its name for programs.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Bill => "foreign_bill",
            Self::Payment => "foreign_payment",
            Self::Link => "foreign_link",
            Self::Question => "own_question",
        }
    }

    /// What it is, in English and Chinese.
    pub(crate) fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Bill => ("This is the code of a bill", "这是账单付款码"),
            Self::Payment => ("This is a payment code", "这是付款码"),
            Self::Link => ("This is the address of a web page", "这是网页链接"),
            Self::Question => ("This is a kiosk's own question", "这是核验机的提问"),
        }
    }

    /// What to do, in English and Chinese.
    pub(crate) fn advice(self) -> (&'static str, &'static str) {
        match self {
            Self::Bill => (
                "It says whom to pay, not who you are. Pay with it in your payment app; here, show the identity code of your phone.",
                "它说明向谁付款，不能证明您是谁。请用支付应用扫描它；在此请出示手机上的身份码。",
            ),
            Self::Payment => (
                "It moves money, and is not for us. Close the payment app and open the identity code.",
                "它用于付款，与本机无关。请关闭支付应用，打开身份码。",
            ),
            Self::Link => (
                "The kiosk opens no web pages. Open the identity code on the phone and show that.",
                "核验机不会打开网页。请在手机上打开身份码后出示。",
            ),
            Self::Question => (
                "The phone must read it, not the kiosk. Let the phone answer it, then show the answer.",
                "它应由手机读取。请用手机回答后，再出示回答。",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_an_identity_code_is_left_to_the_verifier() {
        for text in ["", "NCFK:0", "HC1:NCFK", "00020", "WIFI:S:KITE;;", "http:", "A HTTPS SITE"] {
            assert_eq!(Foreign::of(text), None, "{text}");
        }
    }

    #[test]
    fn codes_of_shops_web_pages_and_kiosks_are_told_apart() {
        let bill = "00020101021226630013city.kite.pay0106h-00010232019d9e2c5b80700080000000000000015204806253031565406116.365802CN5915Kitecity h-00016007Weifang63042662";
        for (text, foreign) in [
            (bill, Foreign::Bill),
            (&bill[..40], Foreign::Payment),
            ("weixin://wxpay/bizpayurl?pr=1", Foreign::Payment),
            ("HTTPS://KITE.CITY/", Foreign::Link),
            ("https://kite.city/a?b", Foreign::Link),
            ("EIDC:MUSEUM:0011223344556677:AGE", Foreign::Question),
        ] {
            assert_eq!(Foreign::of(text), Some(foreign), "{text}");
        }
    }
}

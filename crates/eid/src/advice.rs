//! What to tell a person: for each refusal, what happened and what to do, in English and Chinese.

use crate::{CredentialRefusal, EnrolRefusal, RefusalReason};

/// A title and a piece of advice. Plain text, no markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What happened, in a few English words.
    pub title_en: &'static str,
    /// What happened, in a few Chinese characters.
    pub title_zh: &'static str,
    /// What to do now, in English.
    pub advice_en: &'static str,
    /// What to do now, in Chinese.
    pub advice_zh: &'static str,
}

const fn advice(
    title_en: &'static str,
    title_zh: &'static str,
    advice_en: &'static str,
    advice_zh: &'static str,
) -> Advice {
    Advice { title_en, title_zh, advice_en, advice_zh }
}

/// For the counter that had a code refused.
pub const fn of(reason: RefusalReason) -> Advice {
    match reason {
        RefusalReason::RateLimited => advice(
            "Too many refusals at this counter",
            "本窗口被拒次数过多",
            "Wait a minute, then scan again. If nobody tried in vain, report it: somebody may be guessing.",
            "请等待一分钟后再扫。若并无人反复尝试，请报告：可能有人在试探。",
        ),
        RefusalReason::SpokenUnknown => advice(
            "Nobody has these digits",
            "没有这组数字",
            "Let the holder read the eight digits once more. If they are right, the holder should ask for new ones; \
             without a network, only a code that is scanned can be verified.",
            "请对方再读一遍八位数字。若无误，请对方重新获取；本窗口离线时只能扫描身份码。",
        ),
        RefusalReason::QrEmpty => advice(
            "Nothing was scanned",
            "没有扫到内容",
            "Hold the phone closer and scan the code again.",
            "请把手机靠近一些，再扫一次。",
        ),
        RefusalReason::QrNotBase45 => advice(
            "This is not an identity code",
            "这不是身份码",
            "Another kind of QR code was scanned. Open the identity code on the phone and scan that one.",
            "扫到的是其他二维码。请在手机上打开身份码后再扫。",
        ),
        RefusalReason::QrTooLarge => advice(
            "The code is too large",
            "二维码内容过大",
            "No identity code is this long. Do not accept it; ask the holder to open a fresh code.",
            "身份码不会这么长，请勿接受。请对方重新打开身份码。",
        ),
        RefusalReason::QrBadCompression => advice(
            "The code is damaged",
            "二维码已损坏",
            "Part of the code was lost. Scan it again from the phone itself, not from a copy.",
            "二维码内容不完整。请直接扫描手机屏幕，不要扫描复制件。",
        ),
        RefusalReason::CoseInvalid => advice(
            "The code cannot be understood",
            "无法识别此二维码",
            "It is not an identity code of this city, or not a live one. Ask the holder to open a fresh code.",
            "这不是本市的身份码，或者不是动态身份码。请对方重新打开身份码。",
        ),
        RefusalReason::AlgNotAllowed => advice(
            "The code is signed in a way that is not allowed",
            "签名方式不被允许",
            "Do not accept it: the issuer of this city does not sign this way. Ask for another proof of identity.",
            "请勿接受：本市签发机构不使用这种签名方式。请要求出示其他身份证明。",
        ),
        RefusalReason::IssuerUnknown => advice(
            "The issuer is unknown",
            "签发机构未知",
            "Check that this counter is online and has the issuer's current keys, then scan again. If it is still \
             refused, do not accept it.",
            "请确认本窗口已联网并已取得签发机构的最新密钥，然后重扫。若仍被拒绝，请勿接受。",
        ),
        RefusalReason::IssuerKeyRevoked => advice(
            "The issuer's key was withdrawn",
            "签发密钥已作废",
            "The code was signed with a key that is no longer good. Ask the holder to connect the phone and open a \
             fresh code.",
            "此码由已作废的密钥签发。请对方联网后重新打开身份码。",
        ),
        RefusalReason::SignatureInvalid => advice(
            "The code was altered",
            "二维码被篡改",
            "What it says is not what the issuer signed. Do not accept it; ask the holder to open a fresh code.",
            "内容与签发机构的签名不符，请勿接受。请对方重新打开身份码。",
        ),
        RefusalReason::TokenExpired => advice(
            "The code has expired",
            "身份码已过期",
            "A code lives for one minute, and a screenshot of it too. Ask the holder to show the code live.",
            "身份码和它的截图都只有一分钟有效。请对方当面出示实时的身份码。",
        ),
        RefusalReason::TokenNotYetValid => advice(
            "The code is from the future",
            "身份码尚未生效",
            "The clocks differ. Check the clock of this counter, then scan again.",
            "两边的时钟不一致。请检查本窗口的时钟后重扫。",
        ),
        RefusalReason::ClaimMissing => advice(
            "No identity inside",
            "二维码中没有身份信息",
            "The code is genuine but is not an identity code. Ask the holder to open the identity code.",
            "二维码是真的，但不是身份码。请对方打开身份码。",
        ),
        RefusalReason::HolderProofMissing => advice(
            "No phone stands behind the code",
            "缺少手机的实时证明",
            "It is a copy or a printed card. Here the code must be shown by the holder's phone.",
            "这是复制件或打印卡。此处须由持有人用手机实时出示。",
        ),
        RefusalReason::HolderProofInvalid => advice(
            "Another phone made this code",
            "不是本人手机生成的身份码",
            "The credential belongs to a different phone, or the code was altered. Do not accept it.",
            "凭证属于另一部手机，或内容被改动，请勿接受。",
        ),
        RefusalReason::AudienceMismatch => advice(
            "The code was made for another counter",
            "身份码不是为本窗口生成的",
            "Let the phone scan the challenge of this counter, then scan the code that it shows.",
            "请用手机扫描本窗口的质询码，再扫手机随后显示的身份码。",
        ),
        RefusalReason::CredentialRevoked => advice(
            "The credential was revoked",
            "凭证已被吊销",
            "It will not be good again. Keep the card if you may, and ask for another proof of identity.",
            "该凭证永久失效。如有权限请收回卡片，并要求出示其他身份证明。",
        ),
        RefusalReason::CredentialSuspended => advice(
            "The credential is suspended",
            "凭证已暂停使用",
            "The holder can have it lifted at the counter of the issuer. Until then, ask for another proof.",
            "持有人可到签发窗口办理恢复。在此之前请要求出示其他证明。",
        ),
        RefusalReason::StatusStale => advice(
            "Whether it was revoked cannot be told",
            "无法确认是否已吊销",
            "This counter has no current list of revoked cards. Connect it, then scan again.",
            "本窗口没有最新的吊销名单。请联网后重扫。",
        ),
        RefusalReason::GuardianshipEnded => advice(
            "The guardianship has ended",
            "监护关系已终止",
            "The ward is of age, or the grant ran out. Ask the holder in person.",
            "被监护人已成年，或授权已到期。请本人出示身份码。",
        ),
        RefusalReason::ScopeNotGranted => advice(
            "More was asked than is allowed here",
            "超出允许的查询范围",
            "This counter may not ask for these attributes, or the guardian's grant is not for this purpose.",
            "本窗口无权查询这些信息，或监护授权不适用于此用途。",
        ),
        RefusalReason::ConsentDenied => advice(
            "The holder does not disclose this",
            "持有人未同意提供",
            "The code tells less than was asked for. Ask whether the holder agrees to show more; it is their choice.",
            "此码提供的信息少于所需。请询问对方是否同意提供更多，由对方决定。",
        ),
        RefusalReason::TokenReplayed => advice(
            "The code was used before",
            "身份码已被使用",
            "Each code is accepted once. Ask the holder to refresh it; if it was shown only here, somebody may have \
             copied it.",
            "每个身份码只能使用一次。请对方刷新后再出示；若只在此处出示过，可能已被他人复制。",
        ),
    }
}

/// For the person who was not enrolled.
pub const fn of_enrolment(refusal: EnrolRefusal) -> Advice {
    match refusal {
        EnrolRefusal::ResidentChecksum => advice(
            "The resident number is mistyped",
            "居民身份号码有误",
            "It has 18 characters, and the last one confirms the others. Compare it with the card, digit by digit.",
            "号码共18位，最后一位用来校验前面各位。请与证件逐位核对。",
        ),
        EnrolRefusal::ResidentRegion => advice(
            "The number is not of this city",
            "号码不属于本市",
            "This simulation knows numbers that begin with 370799 only. Never enter the number of a real person.",
            "本模拟只接受以370799开头的号码。请不要输入真实人员的身份证号码。",
        ),
        EnrolRefusal::ResidentDate => advice(
            "The birth date does not exist",
            "出生日期不存在",
            "The seventh to fourteenth digits are the birth date: year, month, day. Correct them.",
            "号码第7至14位是出生年月日，请更正。",
        ),
        EnrolRefusal::ResidentUnknown => advice(
            "Number and name do not match",
            "号码与姓名不符",
            "No resident has this number and this name. Check both.",
            "没有与此号码和姓名相符的居民，请核对两者。",
        ),
        EnrolRefusal::RateLimited => advice(
            "Too many tries",
            "尝试次数过多",
            "Wait a minute, compare number and name with the card, then try again.",
            "请等待一分钟，与证件核对号码和姓名后再试。",
        ),
        EnrolRefusal::ResidentInactive => advice(
            "This resident cannot be enrolled",
            "该居民不能开通",
            "The register says that the resident has died or moved away. If that is wrong, ask at the counter.",
            "登记显示该居民已死亡或已迁出。如有错误，请到窗口办理。",
        ),
    }
}

/// For the phone that got no credentials.
pub const fn of_credentials(refusal: CredentialRefusal) -> Advice {
    match refusal {
        CredentialRefusal::KeyProofInvalid => advice(
            "The phone's request is not in order",
            "手机的申请无效",
            "Check the clock of the phone, then ask again.",
            "请检查手机时间后重新申请。",
        ),
        CredentialRefusal::CountOutOfRange => advice(
            "Too many credentials at once",
            "一次申请的凭证过多",
            "A phone may ask for 1 to 20 at once.",
            "手机一次可申请1至20个凭证。",
        ),
        CredentialRefusal::NotEnrolled => advice(
            "No e-ID on this phone",
            "此手机未开通身份码",
            "Enrol first, with the resident number and the name.",
            "请先用居民身份号码和姓名开通。",
        ),
        CredentialRefusal::TooManyPhones => advice(
            "Too many phones",
            "绑定的手机过多",
            "Let one of the other phones be taken off at the counter of the issuer.",
            "请到签发窗口解绑其他手机。",
        ),
        CredentialRefusal::GuardianshipEnded => advice(
            "No guardianship for this person",
            "没有对此人的监护授权",
            "The ward is of age, or the grant ended or was never given. Ask at the counter of the issuer.",
            "被监护人已成年，或授权已到期、从未登记。请到签发窗口咨询。",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENROL_REFUSALS: [EnrolRefusal; 6] = [
        EnrolRefusal::ResidentChecksum,
        EnrolRefusal::ResidentRegion,
        EnrolRefusal::ResidentDate,
        EnrolRefusal::ResidentUnknown,
        EnrolRefusal::ResidentInactive,
        EnrolRefusal::RateLimited,
    ];
    const CREDENTIAL_REFUSALS: [CredentialRefusal; 5] = [
        CredentialRefusal::KeyProofInvalid,
        CredentialRefusal::CountOutOfRange,
        CredentialRefusal::NotEnrolled,
        CredentialRefusal::TooManyPhones,
        CredentialRefusal::GuardianshipEnded,
    ];

    #[test]
    fn every_refusal_has_its_own_words_in_both_languages() {
        let (codes, enrolments) = (RefusalReason::ALL.map(of), ENROL_REFUSALS.map(of_enrolment));
        let credentials = CREDENTIAL_REFUSALS.map(of_credentials);
        let all: Vec<Advice> = codes.into_iter().chain(enrolments).chain(credentials).collect();
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c));
        for (index, one) in all.iter().enumerate() {
            assert!(one.title_en.is_ascii() && one.advice_en.is_ascii(), "{one:?}");
            assert!(is_chinese(one.title_zh) && is_chinese(one.advice_zh), "{one:?}");
            assert!(one.advice_en.ends_with('.') && one.advice_zh.ends_with('。'), "{one:?}");
            assert!(!one.title_en.ends_with('.') && !one.title_zh.ends_with('。'), "{one:?}");
            for other in &all[..index] {
                assert!(one.title_en != other.title_en && one.title_zh != other.title_zh, "{one:?}");
            }
        }
    }
}

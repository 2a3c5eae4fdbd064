//! What residents are called.

use eid::Gender;
use types::Stream;

/// Family names with how many of a thousand people have them.
const FAMILIES: [(&str, &str, u64); 60] = [
    ("王", "Wang", 92),
    ("李", "Li", 78),
    ("张", "Zhang", 76),
    ("刘", "Liu", 66),
    ("陈", "Chen", 34),
    ("杨", "Yang", 26),
    ("赵", "Zhao", 26),
    ("孙", "Sun", 30),
    ("周", "Zhou", 18),
    ("徐", "Xu", 22),
    ("马", "Ma", 18),
    ("朱", "Zhu", 14),
    ("胡", "Hu", 11),
    ("郭", "Guo", 14),
    ("何", "He", 8),
    ("高", "Gao", 14),
    ("林", "Lin", 8),
    ("罗", "Luo", 5),
    ("郑", "Zheng", 10),
    ("梁", "Liang", 8),
    ("谢", "Xie", 7),
    ("宋", "Song", 14),
    ("唐", "Tang", 7),
    ("许", "Xu", 8),
    ("韩", "Han", 12),
    ("冯", "Feng", 9),
    ("邓", "Deng", 4),
    ("曹", "Cao", 9),
    ("彭", "Peng", 4),
    ("曾", "Zeng", 3),
    ("肖", "Xiao", 5),
    ("田", "Tian", 8),
    ("董", "Dong", 9),
    ("袁", "Yuan", 7),
    ("潘", "Pan", 6),
    ("于", "Yu", 16),
    ("蒋", "Jiang", 5),
    ("蔡", "Cai", 4),
    ("余", "Yu", 3),
    ("杜", "Du", 7),
    ("叶", "Ye", 4),
    ("程", "Cheng", 6),
    ("苏", "Su", 6),
    ("魏", "Wei", 9),
    ("丁", "Ding", 8),
    ("任", "Ren", 6),
    ("沈", "Shen", 4),
    ("姚", "Yao", 5),
    ("卢", "Lu", 5),
    ("姜", "Jiang", 9),
    ("崔", "Cui", 8),
    ("钟", "Zhong", 3),
    ("谭", "Tan", 4),
    ("陆", "Lu", 3),
    ("汪", "Wang", 4),
    ("范", "Fan", 5),
    ("石", "Shi", 5),
    ("夏", "Xia", 4),
    ("贾", "Jia", 6),
    ("傅", "Fu", 4),
];

/// Characters of men's given names.
const MALE: [(&str, &str); 24] = [
    ("伟", "wei"),
    ("强", "qiang"),
    ("军", "jun"),
    ("勇", "yong"),
    ("杰", "jie"),
    ("涛", "tao"),
    ("磊", "lei"),
    ("超", "chao"),
    ("鹏", "peng"),
    ("斌", "bin"),
    ("浩", "hao"),
    ("刚", "gang"),
    ("健", "jian"),
    ("峰", "feng"),
    ("龙", "long"),
    ("飞", "fei"),
    ("波", "bo"),
    ("建", "jian"),
    ("国", "guo"),
    ("海", "hai"),
    ("志", "zhi"),
    ("宇", "yu"),
    ("泽", "ze"),
    ("旭", "xu"),
];
/// Characters of women's given names.
const FEMALE: [(&str, &str); 24] = [
    ("芳", "fang"),
    ("娜", "na"),
    ("敏", "min"),
    ("静", "jing"),
    ("丽", "li"),
    ("艳", "yan"),
    ("霞", "xia"),
    ("娟", "juan"),
    ("玲", "ling"),
    ("燕", "yan"),
    ("梅", "mei"),
    ("莉", "li"),
    ("婷", "ting"),
    ("雪", "xue"),
    ("慧", "hui"),
    ("倩", "qian"),
    ("琳", "lin"),
    ("英", "ying"),
    ("秀", "xiu"),
    ("兰", "lan"),
    ("红", "hong"),
    ("月", "yue"),
    ("梦", "meng"),
    ("雅", "ya"),
];
/// Characters of given names that women and men share.
const EITHER: [(&str, &str); 16] = [
    ("晓", "xiao"),
    ("文", "wen"),
    ("明", "ming"),
    ("华", "hua"),
    ("平", "ping"),
    ("云", "yun"),
    ("春", "chun"),
    ("新", "xin"),
    ("玉", "yu"),
    ("金", "jin"),
    ("子", "zi"),
    ("嘉", "jia"),
    ("思", "si"),
    ("宁", "ning"),
    ("辰", "chen"),
    ("欣", "xin"),
];

/// A name in Chinese and the same name in pinyin: `王晓梅`, `Wang Xiaomei`.
pub(crate) fn name(stream: &mut Stream, gender: Gender) -> (String, String) {
    let (family_zh, family_en) = family(stream);
    let own = match gender {
        Gender::Male => &MALE,
        Gender::Female => &FEMALE,
    };
    let kind = stream.below(5);
    let mut pick = |table: &[(&'static str, &'static str)]| table[stream.below(table.len() as u64) as usize];
    // One character, or two; the first of two is often one that women and men share.
    let (first_zh, first_en) = match kind {
        0 => ("", ""),
        1 | 2 => pick(own),
        _ => pick(&EITHER),
    };
    let (zh, en) = pick(own);
    let (zh, en) = (format!("{first_zh}{zh}"), format!("{first_en}{en}"));
    (format!("{family_zh}{zh}"), format!("{family_en} {}{}", en[..1].to_ascii_uppercase(), &en[1..]))
}

fn family(stream: &mut Stream) -> (&'static str, &'static str) {
    let total = FAMILIES.iter().map(|(_, _, weight)| weight).sum();
    let mut rest = stream.below(total);
    for (zh, en, weight) in FAMILIES {
        if rest < weight {
            return (zh, en);
        }
        rest -= weight;
    }
    unreachable!("the rest is below the sum of the weights")
}

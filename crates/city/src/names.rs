//! What streets are called.

use types::Seed;

/// An English and a Chinese name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) en: String,
    pub(crate) zh: String,
}

/// Which way a street runs: in Chinese cities the two kinds are named differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heading {
    /// West to east: a 街, "Street".
    East,
    /// South to north: a 路, "Road".
    North,
}

/// Rows from [`FIRST_ROW`] northwards.
const ROWS: [(&str, &str); 12] = [
    ("Fenghuang", "凤凰"),
    ("Baotong", "宝通"),
    ("Jiankang", "健康"),
    ("Minsheng", "民生"),
    ("Shengli", "胜利"),
    ("Dongfeng", "东风"),
    ("Fushou", "福寿"),
    ("Beigong", "北宫"),
    ("Yuqing", "玉清"),
    ("Wolong", "卧龙"),
    ("Xuanwu", "玄武"),
    ("Tongting", "通亭"),
];
const FIRST_ROW: i32 = -4;

/// Columns from [`FIRST_COLUMN`] eastwards; the river is between Xiangyang and Heping Road.
const COLUMNS: [(&str, &str); 12] = [
    ("Anshun", "安顺"),
    ("Yong'an", "永安"),
    ("Yuehe", "月河"),
    ("Qingnian", "青年"),
    ("Xiangyang", "向阳"),
    ("Heping", "和平"),
    ("Siping", "四平"),
    ("Weizhou", "潍州"),
    ("Xinhua", "新华"),
    ("Beihai", "北海"),
    ("Jinma", "金马"),
    ("Zhiyuan", "志远"),
];
const FIRST_COLUMN: i32 = -5;

const RINGS: [(&str, &str); 4] = [
    ("Inner Ring Road", "内环路"),
    ("Second Ring Road", "二环路"),
    ("Third Ring Road", "三环路"),
    ("Outer Ring Road", "外环路"),
];

/// First halves of made-up names.
const FIRST: [(&str, &str); 48] = [
    ("Bai", "柏"),
    ("Bo", "博"),
    ("Chang", "昌"),
    ("Cheng", "诚"),
    ("Chun", "春"),
    ("Cui", "翠"),
    ("De", "德"),
    ("Feng", "丰"),
    ("Fu", "富"),
    ("Guang", "广"),
    ("Gui", "桂"),
    ("Hai", "海"),
    ("He", "荷"),
    ("Hong", "虹"),
    ("Hua", "华"),
    ("Huai", "槐"),
    ("Hui", "汇"),
    ("Jia", "嘉"),
    ("Jin", "锦"),
    ("Jing", "景"),
    ("Kang", "康"),
    ("Lan", "兰"),
    ("Li", "丽"),
    ("Lian", "莲"),
    ("Long", "龙"),
    ("Mei", "梅"),
    ("Ming", "明"),
    ("Qi", "启"),
    ("Qing", "清"),
    ("Rong", "榕"),
    ("Rui", "瑞"),
    ("Shan", "杉"),
    ("Song", "松"),
    ("Tai", "泰"),
    ("Tao", "桃"),
    ("Tong", "桐"),
    ("Wen", "文"),
    ("Xiang", "祥"),
    ("Xing", "兴"),
    ("Xiu", "秀"),
    ("Ya", "雅"),
    ("Yang", "杨"),
    ("Ying", "樱"),
    ("Yong", "永"),
    ("Yu", "玉"),
    ("Yun", "云"),
    ("Zhen", "臻"),
    ("Zi", "紫"),
];

/// Second halves of made-up names.
const SECOND: [(&str, &str); 48] = [
    ("bin", "滨"),
    ("cai", "彩"),
    ("chuan", "川"),
    ("ci", "慈"),
    ("dong", "东"),
    ("du", "都"),
    ("fang", "芳"),
    ("feng", "峰"),
    ("ge", "阁"),
    ("guan", "冠"),
    ("gui", "贵"),
    ("hai", "海"),
    ("he", "禾"),
    ("hu", "湖"),
    ("hua", "花"),
    ("huan", "欢"),
    ("ji", "济"),
    ("jiang", "江"),
    ("lai", "来"),
    ("lang", "廊"),
    ("le", "乐"),
    ("lin", "林"),
    ("ling", "岭"),
    ("lou", "楼"),
    ("mao", "茂"),
    ("men", "门"),
    ("ning", "宁"),
    ("pu", "圃"),
    ("qiao", "桥"),
    ("qing", "庆"),
    ("quan", "泉"),
    ("ren", "仁"),
    ("sheng", "盛"),
    ("shi", "实"),
    ("shun", "顺"),
    ("tai", "台"),
    ("ting", "亭"),
    ("tong", "通"),
    ("wan", "湾"),
    ("xi", "溪"),
    ("xian", "贤"),
    ("xin", "馨"),
    ("ya", "崖"),
    ("yi", "怡"),
    ("yuan", "园"),
    ("yue", "悦"),
    ("zhou", "洲"),
    ("zhu", "竹"),
];

/// What tells streets apart that share a made-up name.
const PARTS: [(&str, &str); 7] = [
    ("", ""),
    (" East", "东"),
    (" West", "西"),
    (" South", "南"),
    (" North", "北"),
    (" Middle", "中"),
    (" New", "新"),
];

/// Neighbours in the order of streets take names this far apart; prime to 48².
const STEP: u64 = 1_051;

/// The name of row or column `line` of the lattice.
pub(crate) fn arterial(seed: Seed, heading: Heading, line: i32) -> Name {
    let (table, first) = match heading {
        Heading::East => (&ROWS, FIRST_ROW),
        Heading::North => (&COLUMNS, FIRST_COLUMN),
    };
    let known = usize::try_from(line - first).ok().and_then(|index| table.get(index));
    let (en, zh) = match known {
        Some((en, zh)) => ((*en).to_owned(), (*zh).to_owned()),
        None => {
            let order = if line < 0 { -2 * line - 1 } else { 2 * line };
            made_up(seed, heading, order.unsigned_abs())
        }
    };
    match (known, heading) {
        (Some(_), Heading::East) => Name { en: en + " Street", zh: zh + "街" },
        (Some(_), Heading::North) => Name { en: en + " Road", zh: zh + "路" },
        // Another ending than branches have, so that the two never share a name.
        (None, Heading::East) => Name { en: en + " Avenue", zh: zh + "大街" },
        (None, Heading::North) => Name { en: en + " Boulevard", zh: zh + "大道" },
    }
}

/// The name of ring road `ring`, counted from the centre.
pub(crate) fn ring(ring: usize) -> Name {
    let (en, zh) = RINGS[ring];
    Name { en: en.to_owned(), zh: zh.to_owned() }
}

/// The name of the street on one bank of the river.
pub(crate) fn riverside(west: bool) -> Name {
    let (en, zh) = if west { ("West", "西") } else { ("East", "东") };
    Name { en: format!("Bailang River {en} Road"), zh: format!("白浪河{zh}路") }
}

/// The name of a branch street; `order` counts those with the same heading from the centre.
pub(crate) fn branch(seed: Seed, heading: Heading, order: u32) -> Name {
    let (en, zh) = made_up(seed, heading, order);
    match heading {
        Heading::East => Name { en: en + " Street", zh: zh + "街" },
        Heading::North => Name { en: en + " Road", zh: zh + "路" },
    }
}

fn made_up(seed: Seed, heading: Heading, order: u32) -> (String, String) {
    let count = (FIRST.len() * SECOND.len()) as u64;
    let order = u64::from(order);
    let offset = seed.stream("names", heading as u64).below(count);
    let index = ((order * STEP + offset) % count) as usize;
    let (first, second) = (FIRST[index / SECOND.len()], SECOND[index % SECOND.len()]);
    let part = PARTS[(order / count) as usize % PARTS.len()];
    (format!("{}{}{}", first.0, second.0, part.0), format!("{}{}{}", first.1, second.1, part.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_streets_share_a_name() {
        let seed = Seed(11);
        let mut seen = BTreeSet::new();
        for heading in [Heading::East, Heading::North] {
            let arterials = (-40..=40).map(|line| arterial(seed, heading, line));
            for name in arterials.chain((0..15_000).map(|order| branch(seed, heading, order))) {
                assert!(seen.insert(name.zh.clone()), "{name:?}");
            }
        }
    }

    #[test]
    fn the_main_streets_have_their_real_names() {
        assert_eq!(arterial(Seed(1), Heading::East, 1).zh, "东风街");
        assert_eq!(arterial(Seed(1), Heading::North, 0).en, "Heping Road");
        assert_eq!(arterial(Seed(1), Heading::North, 2).zh, "潍州路");
    }
}

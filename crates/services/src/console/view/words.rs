//! What happened, in one line of English and one of Chinese.

use eid::{CardStatus, EidEvent, KeyState};
use lighting::{Alarm, AlarmChange, AlarmKind, Incident, IncidentKind};
use medpay::{Entry, LimitRule, PayEvent};
use wire::{Event, EventBody, WalkEvent};

/// One line about an event, in English and Chinese.
pub(crate) fn summary(event: &Event) -> (String, String) {
    match &event.body {
        EventBody::Alarm(alarm) => alarm_summary(alarm),
        EventBody::Incident(incident) => incident_summary(incident),
        EventBody::Eid(event) => match event {
            EidEvent::Enrolled { resident } => (format!("{resident} enrolled"), format!("{resident} 已注册")),
            EidEvent::Issued { resident, .. } => {
                (format!("{resident}: code issued"), format!("{resident}：已签发"))
            }
            EidEvent::Verified { resident, verifier } => {
                (format!("{verifier} accepted {resident}"), format!("{verifier} 核验通过 {resident}"))
            }
            EidEvent::Rejected { verifier, reason } => {
                (format!("{verifier} refused a code: {reason:?}"), format!("{verifier} 拒绝：{reason:?}"))
            }
            EidEvent::Revoked { resident, phone, card, status } => {
                let (what, what_zh) = match (phone, card) {
                    (Some(_), _) => ("a phone", "一部手机"),
                    (None, Some(_)) => ("a card", "一张证卡"),
                    (None, None) => ("everything", "全部凭证"),
                };
                let is_for_now = *status == CardStatus::Suspended;
                let (done, done_zh) =
                    if is_for_now { ("suspended", "已暂停") } else { ("revoked", "已吊销") };
                (format!("{resident}: {what} {done}"), format!("{resident}：{what_zh}{done_zh}"))
            }
            EidEvent::Key { kid, state } => {
                let (now, now_zh) = match state {
                    KeyState::Next => ("is published", "已公布"),
                    KeyState::Active => ("signs", "开始签发"),
                    KeyState::Retired => ("is retired", "已退役"),
                    KeyState::Compromised => ("is given up", "已作废"),
                };
                (format!("issuer's key {kid} {now}"), format!("签发密钥 {kid} {now_zh}"))
            }
        },
        EventBody::Pay(event) => paid(event),
        EventBody::Walk(event) => match event {
            WalkEvent::Departed { resident, provider } => {
                (format!("{resident} walks to {provider}"), format!("{resident} 前往 {provider}"))
            }
            WalkEvent::Arrived { resident, provider } => {
                (format!("{resident} is at {provider}"), format!("{resident} 到达 {provider}"))
            }
        },
    }
}

fn alarm_summary(alarm: &Alarm) -> (String, String) {
    let words = match alarm.kind {
        AlarmKind::LampFailure => ("lamp failure", "灯具故障"),
        AlarmKind::LampUnexpectedOn => ("burns when it should be off", "白天亮灯"),
        AlarmKind::RelayFailure => ("relay failure", "继电器故障"),
        AlarmKind::DimmingFailure => ("dimming failure", "调光故障"),
        AlarmKind::CyclingFailure => ("goes on and off", "反复开关"),
        AlarmKind::MeterFailure => ("meter reading is wrong", "电表停走"),
        AlarmKind::ClockFailure => ("clock is wrong", "时钟错误"),
        AlarmKind::CommunicationFailure => ("not heard of", "通信中断"),
        AlarmKind::SupplyLoss => ("no supply", "失电"),
        AlarmKind::SupplyVoltageTooLow => ("mains voltage too low", "供电电压过低"),
        AlarmKind::PowerFactorTooLow => ("power factor too low", "功率因数过低"),
        AlarmKind::LampPowerTooLow => ("draws too little power", "灯具功率过低"),
        AlarmKind::ControlGearFailure => ("driver dead", "驱动器故障"),
        AlarmKind::ControlGearCommFailure => ("driver does not answer", "驱动器通信故障"),
        AlarmKind::ThermalDerating => ("driver hot, less light", "驱动器过热降额"),
        AlarmKind::ThermalShutdown => ("driver too hot, off", "驱动器过热关断"),
        AlarmKind::Flooding => ("floods the bus", "消息泛滥"),
        AlarmKind::Complaint => ("people say that it is broken", "市民报修"),
        AlarmKind::DuplicateIdentity => ("two devices have this name", "身份重复"),
    };
    changed(alarm.change, &alarm.luminaire.to_string(), words)
}

fn incident_summary(incident: &Incident) -> (String, String) {
    let words = match incident.kind {
        IncidentKind::CommunicationFailure => ("not heard of", "通信中断"),
        IncidentKind::SupplyLoss => ("no supply", "失电"),
        IncidentKind::SupplyVoltageTooLow => ("voltage is too low", "电压过低"),
        IncidentKind::CircuitBreakerTripped => ("breaker has tripped", "断路器跳闸"),
        IncidentKind::CabinetDoorOpen => ("door is open", "柜门打开"),
        IncidentKind::SwitchingErrorOn => ("contactor does not close", "接触器拒合"),
        IncidentKind::SwitchingErrorOff => ("contactor does not open", "接触器拒分"),
    };
    let Incident { cabinet, phases, luminaires, .. } = incident;
    let part = if phases.is_empty() { String::new() } else { format!(" {phases}") };
    changed(incident.change, &format!("{cabinet}{part} ({luminaires})"), words)
}

fn changed(change: AlarmChange, what: &str, (en, zh): (&str, &str)) -> (String, String) {
    match change {
        AlarmChange::Raised => (format!("{what}: {en}"), format!("{what}：{zh}")),
        AlarmChange::Cleared => (format!("{what}: {en} is over"), format!("{what}：{zh}已恢复")),
    }
}

fn paid(event: &PayEvent) -> (String, String) {
    match event {
        PayEvent::BillCreated { provider, total, .. } => {
            (format!("{provider}: bill of ¥{total}"), format!("{provider}：账单 ¥{total}"))
        }
        PayEvent::BillPresettled { split, .. } => (
            format!("presettled: fund ¥{}, account ¥{}, cash ¥{}", split.pool, split.account, split.cash),
            format!("预结算：统筹 ¥{}，个账 ¥{}，现金 ¥{}", split.pool, split.account, split.cash),
        ),
        PayEvent::BillSettled { provider, split, .. } => {
            (format!("{provider}: ¥{} settled", split.total), format!("{provider}：已结算 ¥{}", split.total))
        }
        PayEvent::BillReversed { provider, split, .. } => (
            format!("{provider}: ¥{} taken back", split.total),
            format!("{provider}：已冲正 ¥{}", split.total),
        ),
        PayEvent::BillReleased { .. } => {
            ("cash not paid, all is let go".to_owned(), "现金未付，已释放".to_owned())
        }
        PayEvent::SettlementRefused { refusal, .. } => {
            (format!("not settled: {refusal}"), format!("未结算：{refusal}"))
        }
        PayEvent::AccountDebited(Entry { beneficiary, amount, .. }) => {
            (format!("account of {beneficiary}: ¥{amount} paid"), format!("{beneficiary} 个账支出 ¥{amount}"))
        }
        PayEvent::AccountCredited(Entry { beneficiary, amount, .. }) => (
            format!("account of {beneficiary}: ¥{amount} given back"),
            format!("{beneficiary} 个账退回 ¥{amount}"),
        ),
        PayEvent::RiskFlagged { beneficiary, rule, .. } => {
            let (limit, zh) = match rule {
                LimitRule::Daily => ("daily limit", "每日限额"),
                LimitRule::Hourly => ("hourly limit", "每小时限次"),
                LimitRule::Offline => ("limit of the terminal", "终端离线限额"),
            };
            (format!("{beneficiary}: over the {limit}"), format!("{beneficiary}：超出{zh}"))
        }
        PayEvent::ReconClosed { provider, day, paid_out } => (
            format!("{provider}: {day} closed, ¥{paid_out} paid out"),
            format!("{provider}：{day} 已结账，拨付 ¥{paid_out}"),
        ),
        PayEvent::ReconDiff { provider, day, .. } => {
            (format!("{provider}: the books of {day} differ"), format!("{provider}：{day} 对账不符"))
        }
    }
}

//! The queries and what must be on their first page.

/// A query and what its user wants.
#[derive(Default)]
pub struct Row {
    pub number: u32,
    pub q: &'static str,
    /// One of these is the first result; empty: any may be.
    pub first: &'static [&'static str],
    /// All of these are among the first ten; `a|b`: one of them is.
    pub page: &'static [&'static str],
    /// Words that offer a filter or a selection, and what it holds.
    pub offers: &'static [(&'static str, &'static str)],
    /// Whether the first ten all satisfy the offers.
    pub offered_first: bool,
}

const fn row(
    number: u32,
    q: &'static str,
    first: &'static [&'static str],
    page: &'static [&'static str],
) -> Row {
    Row { number, q, first, page, offers: &[], offered_first: false }
}

impl Row {
    const fn offers(mut self, offers: &'static [(&'static str, &'static str)]) -> Self {
        self.offers = offers;
        self
    }

    const fn first_of_all(mut self) -> Self {
        self.offered_first = true;
        self
    }
}

const RECOGNITION: &[&str] = &["policy-001"];

pub const QUERIES: &[Row] = &[
    row(1, "高企认定条件", RECOGNITION, &["policy-034"]),
    row(2, "高企复审", &["policy-032"], &[]),
    row(3, "专精特新小巨人 补贴多少", &["policy-039"], &[]),
    row(
        4,
        "科小入库",
        &["policy-035", "policy-036", "policy-159"],
        &["policy-035", "policy-036", "policy-159"],
    ),
    row(5, "首台套 保险补偿", &[], &["policy-010", "policy-016", "policy-044", "finance-023"]),
    row(6, "揭榜挂帅 2025 榜单", &["policy-045", "policy-023"], &["policy-045", "policy-023"])
        .offers(&[("2025", "2025-01-01 TO 2025-12-31")]),
    row(
        7,
        "加计扣除比例",
        &["policy-005", "policy-130", "policy-048"],
        &["policy-005", "policy-130"],
    ),
    row(
        8,
        "瞪羚企业 怎么申报",
        &["policy-038", "policy-014", "policy-037"],
        &["policy-038", "policy-014"],
    ),
    row(9, "雏鹰 独角兽 扶持 青岛", &["policy-037"], &[]).offers(&[("青岛", "370200")]),
    row(10, "创新券怎么用", &["policy-049", "policy-018"], &["policy-049", "policy-050"]),
    row(11, "技改补助", &["policy-052", "policy-053", "policy-017"], &["policy-052", "policy-053"]),
    row(12, "青政发〔2016〕12号", &["policy-025"], &[]),
    row(13, "青政发[2016]12号", &["policy-025"], &[]),
    row(14, "青政发2016 12", &["policy-025"], &[]),
    row(15, "国科发火〔2016〕32号", RECOGNITION, &[]),
    row(16, "国科发区〔2018〕300号", &["policy-006"], &[]),
    row(17, "32号文 高企", RECOGNITION, &[]),
    row(18, "本月截止的申报", &[], &["policy-053|policy-056|policy-041|policy-128|policy-036"])
        .offers(&[("本月", "windows.closes 2026-11-23 TO 2026-11-30")])
        .first_of_all(),
    row(19, "6月30日前 研发机构 申报", &["policy-057"], &[])
        .offers(&[("6月30日前", "windows.closes 2026-11-23 TO 2027-06-30")]),
    row(20, "近三个月新出台的科技政策", &[], &[])
        .offers(&[("近三个月", "published_on 2026-08-23 TO 2026-11-23")])
        .first_of_all(),
    row(21, "2024年 崂山区 人才补贴", &["policy-102", "policy-101"], &["policy-102", "policy-101"])
        .offers(&[("2024年", "2024-01-01 TO 2024-12-31"), ("崂山区", "applies_to COVERS 370212")]),
    row(
        22,
        "西海岸新区 高新技术企业 奖励",
        &["policy-141", "policy-161"],
        &["policy-141", "policy-161"],
    )
    .offers(&[("西海岸新区", "division_code WITHIN 370211")]),
    row(23, "100万以上 补助 研发平台", &["policy-058"], &[])
        .offers(&[("100万以上", "max_amount_yuan >= 1000000")]),
    row(
        24,
        "年收入3000万以下 研发占比5% 能申请什么",
        &[],
        &["policy-034|policy-154|policy-001|policy-019"],
    ),
    row(
        25,
        "我们公司成立两年,做机器视觉,没有发明专利但有6个软著,能不能申请高企?",
        &["policy-034"],
        &[],
    ),
    row(26, "没评上专精特新还能拿哪些补贴", &["policy-042"], &[]),
    row(
        27,
        "同一个项目市里和区里的奖励能不能重复拿",
        &["policy-164", "policy-064"],
        &["policy-164", "policy-064"],
    ),
    row(28, "政策到期了还有效吗 青岛 科技创新", &[], &["policy-059"]),
    row(29, "第一次申报科技型中小企业要准备哪些材料", &[], &["policy-159", "policy-035"]),
    row(
        30,
        "免申即享 科技",
        &["policy-134", "policy-063", "policy-029"],
        &["policy-134", "policy-063", "policy-029"],
    )
    .offers(&[("免申即享", "delivery:")]),
    row(31, "gaoxinjishuqiye", &[], &["policy-001"]),
    row(32, "zjtx", &[], &["policy-039|policy-040"]),
    row(33, "gaoqi rending", &[], &["policy-001"]),
    row(34, "专精特心", &[], &["policy-039|policy-040|policy-041"]),
    row(35, "高薪技术企业认定", &[], &["policy-001"]),
    row(36, "科枝型中小企业", &[], &["policy-035|policy-036|policy-004"]),
    row(37, "高新技術企業認定", &[], RECOGNITION),
    row(38, "技術轉讓 鋰電池 正極材料", &[], &["achievement-014|achievement-058|achievement-067"]),
    row(
        39,
        "high-tech enterprise 15% tax",
        &["policy-131", "policy-003"],
        &["policy-131", "policy-003"],
    ),
    row(40, "5G NB-IoT 智能水表", &[], &["achievement-001", "demand-039"]),
    row(
        41,
        "ZigBee 管状电机",
        &["achievement-002", "demand-037"],
        &["achievement-002", "demand-037"],
    ),
    row(
        42,
        "PTFE微孔滤芯",
        &["achievement-006", "achievement-078", "demand-008"],
        &["achievement-006", "achievement-078", "demand-008"],
    ),
    row(
        43,
        "LED散热",
        &["achievement-003", "demand-038", "expert-025"],
        &["achievement-003", "demand-038", "expert-025"],
    ),
    row(44, "石墨烯导热膜 中试", &[], &["achievement-007"]).offers(&[("中试", "maturity:pilot")]),
    row(45, "水性聚氨酯防腐涂料 可以量产 许可", &["achievement-008"], &[])
        .offers(&[("可以量产", "maturity:mass_production"), ("许可", "transfer_modes:license")]),
    row(46, "ZL201410848481.1", &["achievement-127"], &[]),
    row(47, "海水淡化反渗透膜 国产替代 50万以内", &[], &["achievement-013", "demand-001"])
        .offers(&[("50万以内", "price_yuan <= 500000")]),
    row(
        48,
        "2-吡咯烷酮 残液回收",
        &["achievement-009", "demand-010"],
        &["achievement-009", "demand-010"],
    ),
    row(
        49,
        "胶膜厚度0.03mm 剪切强度≥1.38MPa",
        &["achievement-004", "demand-009"],
        &["achievement-004"],
    ),
    row(
        50,
        "寻求PET瓶自动分拣设备 替代进口",
        &["achievement-010", "demand-040"],
        &["achievement-010", "demand-040"],
    ),
    row(51, "悬赏100万以上的技术难题 新材料", &[], &[])
        .offers(&[("100万以上", "budget_yuan >= 1000000"), ("新材料", "tech_fields:04")])
        .first_of_all(),
    row(52, "内窥镜清洗方案", &[], &["achievement-011", "demand-042", "expert-007", "service-015"]),
    row(
        53,
        "高校的专利想转给企业要公示吗",
        &["report-006", "policy-061", "policy-022"],
        &["policy-061", "policy-022", "report-006"],
    ),
    row(54, "知识产权质押贷款 500万 信用", &["finance-003"], &["finance-004"])
        .offers(&[("500万", "max_amount_yuan >= 5000000")]),
    row(55, "成立不到一年的科技公司能贷款吗", &["finance-001"], &[]),
    row(56, "搞过秸秆乙醇的专家 青岛周边", &["expert-001"], &[])
        .offers(&[("专家", "kind:expert"), ("青岛", "370200")]),
    row(57, "300kV冷冻透射电镜 预约 收费", &["service-001"], &[]),
    row(58, "200平 免租 生物医药 孵化器", &["incubator-001"], &[]),
    row(59, "氢能产业技术路线图 报告 pdf", &["report-001"], &[]).offers(&[("报告", "kind:report")]),
    row(60, "芯片", &[], &["achievement-074|achievement-089|expert-012"]),
];

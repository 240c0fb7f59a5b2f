import type { Language } from "../../platform/web/index.ts";

/** The words about forgetting: at those who got something, and here at home. */
const en = {
  title: "Forgetting",
  link: "Forgetting: what was deleted, and what this gateway holds about you",
  thereTitle: "Where it went",
  thereHint:
    "When a yes ends, because you take it back or its time is over, those who got something under it are asked to delete it. They must answer with a signed paper, and here it is.",
  thereNone: "Nobody was asked to delete anything: no yes of yours has ended after something left under it.",
  askedOf: "{recipient}: “{title}”",
  asked: "Asked on {time} to delete what left. Things: {n}.",
  waiting: "No answer yet. If none comes by {date}, nothing more goes to them.",
  suspended:
    "No answer in {days} days. Since then nothing more goes to them, from anybody, until they answer.",
  answered: "Answered and signed on {time}:",
  deleted: "Deleted: {n}.",
  notHeld: "Never had, or deleted before: {n}.",
  inseparable: "In the sum of a group, which nobody can take one house out of: {n}.",
  lawfulHold:
    "Deleted but for the trade and its money: {n}. The accounts must be kept until {until}; then that is deleted, too.",
  filesClean: "Out of the files of their computer by {date}, and out of their last backup by {backup}.",
  paper: "Their signed paper (a file)",
  hereTitle: "On this gateway",
  hereHint:
    "What your meters said stays on this gateway, in the village. You may have it deleted. It cannot be brought back; take your readings with you before, at the end of your page.",
  keptFor: "Readings are kept here: {classes}. Their sums for each day stay.",
  keptEver: "Readings are kept here for as long as there is room.",
  keptDays: "{name} {days} days",
  keptOther: "everything else for as long as there is room",
  energy: "energy",
  power: "power",
  weather: "weather",
  soil: "soil",
  water: "water",
  other: "other values",
  start: "Delete what is held here about me",
  listTitle: "Delete what is held here about you?",
  goesTitle: "This goes, for ever",
  readings:
    "readings of your devices ({devices}): {n}, and those of the last hours, which are not counted yet",
  days: "sums of days: {n}",
  quarterHours: "quarter hours of energy: {n}, and what was said about jumps of your meters",
  summaries: "quarter hours and days as they could have left: {n}",
  releases: "the figures of what left, the copy that is here: {n}",
  advice: "advice for your field: {n}",
  alerts: "messages to you on your page: {n}",
  yeses: "Every yes that still stands is taken back, and those who got something are asked to delete it.",
  staysTitle: "This stays, and why",
  trades:
    "Trades in the village with their money: {n}. Your bill and your neighbours' bills are made from them.",
  leaves:
    "That something left, when, and to whom: {n}. The log that proves it cannot be changed; it holds no figures, only seals of them.",
  consents:
    "Your yeses with their dates: {n}, and the answers of those who were asked to delete. They are your proof.",
  account:
    "Your name, your PIN and, if the operator wrote it down, your phone number: you stay a member and can come in.",
  after:
    "Your meters stay on the wall and go on. What they say from now on is kept again; ask the operator to take them out if you do not want that.",
  sums: "The village's sums of past days are then without your house. The operator sees that and since when, so that nobody takes it for a fault.",
  copies:
    "Not here: backups on the operator's sticks, until they are written over or destroyed, and files that the operator had made for other programs ({sinks}). The operator is told.",
  noSinks: "there are none",
  card: "A memory card may keep traces for a while of what was written over. Only the maker's tools could read them.",
  goOn: "Go on",
  back: "No, go back",
  pinTitle: "Your PIN once more",
  pinHint: "This cannot be undone. If you have no PIN yet, choose one first.",
  pin: "PIN",
  confirm: "Delete it now",
  wrong: "That PIN is not right. Nothing was deleted.",
  wait: "Too many wrong PINs. Wait {seconds} seconds. Nothing was deleted.",
  ordered: "Your wish is kept. It is done within a minute or so; this page then shows it.",
  past: "Deleted here",
  pending: "Asked on {time}: it is being done.",
  done: "Deleted on {time}: {readings} readings, {quarterHours} quarter hours, {summaries} summaries. Out of the files on {cleaned}.",
  notClean: "Deleted on {time}; the files are being cleaned.",
  operatorTitle: "Forgetting",
  operatorOpen: "Requests to delete that wait for an answer: {n}.",
  operatorSuspended:
    "{recipient} has not answered since {time} ({n} requests). Nothing more goes there until it does.",
  operatorWish:
    "{name} had deleted what is held here, on {time}. The village's sums of days before that are without this house. Destroy old backups, or write over them.",
  operatorSinks: "Delete its lines in {sinks}, too.",
  ledgerWish:
    "{time}: what {name}'s meters said before was deleted, as asked. The sums of days before are without it.",
};
export type ErasureWords = Readonly<Record<keyof typeof en, string>>;

const sw: ErasureWords = {
  title: "Kusahau",
  link: "Kusahau: kilichofutwa, na kile mfumo huu unachoshikilia kukuhusu",
  thereTitle: "Kilikokwenda",
  thereHint:
    "Ndiyo inapoisha, kwa sababu umeirudisha au muda wake umekwisha, waliopata kitu chini yake wanaombwa kukifuta. Lazima wajibu kwa karatasi iliyosainiwa, nayo iko hapa.",
  thereNone:
    "Hakuna aliyeombwa kufuta chochote: hakuna ndiyo yako iliyoisha baada ya kitu kutoka chini yake.",
  askedOf: "{recipient}: “{title}”",
  asked: "Waliombwa {time} kufuta kilichotoka. Idadi: {n}.",
  waiting: "Bado hakuna jibu. Lisipofika kabla ya {date}, hakuna kingine kitakachoenda kwao.",
  suspended:
    "Hakuna jibu kwa siku {days}. Tangu hapo hakuna kinachoenda kwao, kutoka kwa yeyote, mpaka wajibu.",
  answered: "Walijibu na kusaini {time}:",
  deleted: "Zilizofutwa: {n}.",
  notHeld: "Hawakuwa nazo kamwe, au walishazifuta: {n}.",
  inseparable: "Ziko ndani ya jumla ya kundi, ambamo hakuna anayeweza kutoa nyumba moja: {n}.",
  lawfulHold:
    "Zilizofutwa isipokuwa biashara na fedha zake: {n}. Hesabu lazima zitunzwe hadi {until}; kisha nazo zinafutwa.",
  filesClean:
    "Nje ya mafaili ya kompyuta yao kufikia {date}, na nje ya nakala yao ya mwisho kufikia {backup}.",
  paper: "Karatasi yao iliyosainiwa (faili)",
  hereTitle: "Kwenye mfumo huu",
  hereHint:
    "Mita zako zilichosema kinabaki kwenye mfumo huu, kijijini. Unaweza kutaka kifutwe. Hakiwezi kurudishwa; chukua vipimo vyako kabla, mwishoni mwa ukurasa wako.",
  keptFor: "Vipimo vinatunzwa hapa: {classes}. Jumla zake za kila siku zinabaki.",
  keptEver: "Vipimo vinatunzwa hapa kwa muda wote nafasi ikiwepo.",
  keptDays: "{name} siku {days}",
  keptOther: "vingine vyote muda wote nafasi ikiwepo",
  energy: "nishati",
  power: "nguvu ya umeme",
  weather: "hali ya hewa",
  soil: "udongo",
  water: "maji",
  other: "vipimo vingine",
  start: "Futa kinachoshikiliwa hapa kunihusu",
  listTitle: "Kufuta kinachoshikiliwa hapa kukuhusu?",
  goesTitle: "Hivi vinaondoka, milele",
  readings: "vipimo vya vifaa vyako ({devices}): {n}, na vya saa za mwisho, ambavyo bado havijahesabiwa",
  days: "jumla za siku: {n}",
  quarterHours: "robo saa za nishati: {n}, na kilichosemwa kuhusu miruko ya mita zako",
  summaries: "robo saa na siku kama zilivyoweza kutoka: {n}",
  releases: "namba za kilichotoka, nakala iliyo hapa: {n}",
  advice: "ushauri kwa shamba lako: {n}",
  alerts: "ujumbe kwako kwenye ukurasa wako: {n}",
  yeses: "Kila ndiyo iliyopo inarudishwa, na waliopata kitu wanaombwa kukifuta.",
  staysTitle: "Hivi vinabaki, na kwa nini",
  trades: "Biashara kijijini na fedha zake: {n}. Bili yako na bili za majirani zinatokana nazo.",
  leaves:
    "Kwamba kitu kilitoka, lini, na kwa nani: {n}. Daftari linalothibitisha haliwezi kubadilishwa; halina namba, bali mihuri yake tu.",
  consents: "Ndiyo zako na tarehe zake: {n}, na majibu ya walioombwa kufuta. Ni uthibitisho wako.",
  account:
    "Jina lako, PIN yako na, kama msimamizi aliiandika, namba yako ya simu: unabaki mwanachama na unaweza kuingia.",
  after:
    "Mita zako zinabaki ukutani na zinaendelea. Zitakachosema kuanzia sasa kinatunzwa tena; mwombe msimamizi aziondoe kama hutaki.",
  sums: "Jumla za kijiji za siku zilizopita zinakuwa bila nyumba yako. Msimamizi anaona hilo na tangu lini, ili asidhani ni hitilafu.",
  copies:
    "Si hapa: nakala kwenye vijiti vya msimamizi, mpaka ziandikwe juu yake au ziharibiwe, na mafaili ambayo msimamizi alitengenezea programu nyingine ({sinks}). Msimamizi anaambiwa.",
  noSinks: "hakuna",
  card: "Kadi ya kumbukumbu inaweza kubaki na alama kwa muda za kilichoandikwa juu yake. Zana za mtengenezaji tu ndizo zinazoweza kuzisoma.",
  goOn: "Endelea",
  back: "Hapana, rudi",
  pinTitle: "PIN yako mara moja tena",
  pinHint: "Hili haliwezi kutenguliwa. Kama bado huna PIN, chagua kwanza.",
  pin: "PIN",
  confirm: "Futa sasa",
  wrong: "PIN hiyo si sahihi. Hakuna kilichofutwa.",
  wait: "PIN zisizo sahihi ni nyingi mno. Subiri sekunde {seconds}. Hakuna kilichofutwa.",
  ordered: "Ombi lako limehifadhiwa. Linafanyika ndani ya dakika moja hivi; kisha ukurasa huu utaonyesha.",
  past: "Kilichofutwa hapa",
  pending: "Iliombwa {time}: inafanyika.",
  done: "Ilifutwa {time}: vipimo {readings}, robo saa {quarterHours}, muhtasari {summaries}. Nje ya mafaili {cleaned}.",
  notClean: "Ilifutwa {time}; mafaili yanasafishwa.",
  operatorTitle: "Kusahau",
  operatorOpen: "Maombi ya kufuta yanayosubiri jibu: {n}.",
  operatorSuspended: "{recipient} hajajibu tangu {time} (maombi {n}). Hakuna kinachoenda huko mpaka ajibu.",
  operatorWish:
    "{name} alitaka kinachoshikiliwa hapa kifutwe, {time}. Jumla za kijiji za siku za kabla yake ni bila nyumba hii. Haribu nakala za zamani, au andika juu yake.",
  operatorSinks: "Futa mistari yake katika {sinks} pia.",
  ledgerWish:
    "{time}: kilichosemwa na mita za {name} kabla ya hapo kilifutwa, kama ilivyoombwa. Jumla za siku za kabla ni bila hizo.",
};

export const erasureWords = (language: Language): ErasureWords => ({ en, sw })[language];

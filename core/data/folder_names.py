"""Meanings of folder names: masks, parts of a split, findings, groups of X-rays, patients."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final, Literal

GivenPart = Literal["train", "validation", "test"]
# "class": called like a finding; "group": a view, sex, site or version; "never": a patient, study,
# date or batch; "other": the names say nothing.
NameKind = Literal["class", "group", "never", "other"]

# Folders inside the class folders that say what files are and not what they show.
_PLAIN = re.compile(
    r"(images?|imgs?|pictures?|films?|x-?rays?|cxrs?|png|jpe?g|tiff?|bmp|dicoms?|dcm|图像|图片|影像)"
    r"[ _-]?\d*",
    re.IGNORECASE,
)
_MASKS = re.compile(
    r"((lungs?|infection|manual|left|right|binary|predicted|segmentation)[ _-]?)*"
    r"masks?([ _-]?(images?|imgs?|png|jpg))?"
    r"|labels|segmentations?|annotations?|ground[ _-]?truths?|gt|掩膜|掩码|掩模",
    re.IGNORECASE,
)


def is_mask(name: str) -> bool:
    """Tell if a folder of this name holds masks."""
    return _MASKS.fullmatch(name) is not None


def is_plain(name: str) -> bool:
    """Tell if a name says no more than that X-rays are inside."""
    return _PLAIN.fullmatch(name) is not None


# Parts of a split.

_TRAIN = """train training trainings entrainement apprentissage entrenamiento treino addestramento
    訓練 训练 学習 学习 훈련 학습 обучение"""
_VALIDATION = """val valid validate validation validating validierung validacion validacao
    validazione vali valida 验证 驗證 検証 校验 검증 валидация"""
_TEST = """test tests testing holdout heldout prueba teste 测试 測試 テスト 테스트 시험 тест"""
_EITHER = {"dev": "dev", "development": "dev", "eval": "eval", "evaluation": "eval"}
_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(_TRAIN.split(), "train"),
    **dict.fromkeys(_VALIDATION.split(), "validation"),
    **dict.fromkeys(_TEST.split(), "test"),
    **_EITHER,
}
_FILLER_WORDS = """
    set sets data dataset datasets image images img imgs split splits part subset folder files
    file dir x xray xrays ray rays chest cxr cxrs lung lungs film films sample samples example
    examples picture pictures png jpg jpeg dicom dcm final internal external public private blind
    all new the for of stage a b c daten datensatz donnees datos
    集 数据 數據 数据集 図像 图像 图片 影像 样本 資料 部分 用 집합 데이터 세트"""
_FILLERS: Final = frozenset(_FILLER_WORDS.split())


def _folded(name: str) -> str:
    """Return a name without full-width letters, case and accents."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    # Composed again: a Korean syllable is several letters otherwise.
    kept = "".join(letter for letter in text if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", kept)


def _tokens(name: str) -> list[str]:
    """Split a name at signs, digits and changes of case: TrainSet_1 is train, set."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    return re.findall(r"[^\W\d_]+", _folded(apart))


def _part_word(name: str) -> str | None:
    """Return the part that a name means, or "dev" or "eval" where its neighbours decide."""
    tokens = _tokens(name)
    joined = "".join(tokens)
    if joined in ("holdout", "heldout"):
        return "test"
    found: list[str] = []
    for token in tokens:
        if token in _WORDS:
            found.append(_WORDS[token])
        elif token not in _FILLERS:
            glued = _glued(token)
            if glued is None:
                return None
            found.append(glued)
    if sorted(found) == ["train", "validation"]:  # train_val beside test
        return "train"
    return found[0] if len(found) == 1 else None


def _glued(token: str) -> str | None:
    """Return the part of `trainset`, `testdata` or `训练数据`."""
    for word, part in _WORDS.items():
        if token.startswith(word) and token[len(word) :] in _FILLERS:
            return part
        if token.endswith(word) and token[: -len(word)] in _FILLERS and len(word) > 2:
            return part
    return None


def parts_of(names: Iterable[str]) -> dict[str, GivenPart]:
    """Return the parts of a split that folders beside one another hold, by their names.

    "dev" is a validation part, or the training part where there is no other; "eval" is what is
    missing beside the others.
    """
    words = {name: word for name in set(names) if (word := _part_word(name)) is not None}
    found = set(words.values())
    dev: GivenPart = "validation" if "train" in found or "test" not in found else "train"
    has_validation = "validation" in found or ("dev" in found and dev == "validation")
    unsettled: GivenPart = "test" if has_validation and "test" not in found else "validation"
    meaning: dict[str, GivenPart] = {
        "train": "train",
        "validation": "validation",
        "test": "test",
        "dev": dev,
        "eval": unsettled,
    }
    return {name: meaning[word] for name, word in words.items()}


# Findings.

_FINDINGS: Final = re.compile(
    r"normal|health|pneumonia|pneumoni[ae]|covid|sars|mers$|ncov|corona|tubercul|tuberkul|^tbc?$"
    r"|viral|virus|bacteri|effusion|nodul|^mass$|cardiomegal|opacit|atelecta|infiltrat|consolidat"
    r"|o?edema|emphysema|fibros|hernia|pneumothora|pleural|finding|disease|cancer|carcinom|tumou?r"
    r"|benign|malign|lesion|fractur|positiv|negativ|^sick$|infect|^ards$|^copd$|asthma|bronch"
    r"|silicos|pneumoconios|influenza|mycoplasm|legionell|patholog|control|^sain|^sano|gesund"
    r"|krank|neumon|lungenent|aspergill|pneumocyst|hyperinflat|calcif|thicken|scolios|aort"
    r"|abnorm|anomal|^yes$|^no$|^pos$|^neg$"
    r"|正常|肺炎|新冠|结核|結核|病毒|细菌|健康|阳性|阴性|积液|气胸|结节|肿瘤|肺癌|异常|病变|感染|疾病|水肿|纤维化|浸润"
)


def _is_finding(name: str) -> bool:
    return any(_FINDINGS.search(token) for token in _tokens(name))


# Groups of X-rays that are no findings.

_MONTHS = (
    r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?"
    r"|oct(ober)?|nov(ember)?|dec(ember)?)"
)
_DATE = (
    r"((19|20)\d\d([ ._-]?[01]?\d([ ._-]?[0-3]?\d)?)?|[0-3]?\d[ ._-][0-3]?\d[ ._-](\d\d){1,2}"
    r"|(19|20)\d\d年([01]?\d月([0-3]?\d日)?)?|[01]?\d月"
    rf"|{_MONTHS}([ ._-]?\d+)*|(\d+[ ._-]?)?{_MONTHS}[ ._-]?((19|20)\d\d)?"
    r"|((19|20)\d\d)?[ ._-]?q[1-4])"
)
_PATIENT = re.compile(
    r"(patients?|pat|pt|p|pa|persons?|subjects?|subj?|cases?|mrn|患者|病人|病例)[ _-]?\d+"
    r"|(sub|ses)-\w+",
    re.IGNORECASE,
)
_STUDY = (
    r"(stud(y|ies)|series|ser|se|st|s|session|visits?|exam|acc(ession)?|scan|检查|序列)[ _#-]?\d+"
)
_BATCH = (
    r"(batch|part|split|fold|chunk|shard|vol(ume)?|dis[ck]|cd|dvd|block|round|wave|archive|subset"
    r"|set|upload|download|export|批次|第?\d+批|部分)([ _#-]?(\d+|[a-z])|)"
)
_NEVER = re.compile(
    rf"{_STUDY}"
    r"|\d{5,}[a-z]?|[a-z]{1,4}[ _-]?\d{5,}"
    r"|[0-2](\.\d+){3,}|[0-9a-f]{8}-[0-9a-f-]{20,}|(?=\w*\d)[0-9a-f]{8,}|[^^]+\^.*"
    rf"|{_DATE}|{_BATCH}",
    re.IGNORECASE,
)
_STUDY_OR_BATCH = re.compile(f"{_STUDY}|{_BATCH}", re.IGNORECASE)
# CR_CHEST_20200321, 2020-03-21 CHEST PA
_DATED = re.compile(
    rf".*[ _-]{_DATE}([ _-]?\d{{4,6}})?|(19|20)\d\d[._-]?[01]\d[._-]?[0-3]\d[ _-].*", re.IGNORECASE
)
_GROUP = re.compile(
    # Views and positions.
    r"ap|pa|ll|rl|lat|lateral|frontal|oblique|(pa|ap)[ _-]?(view|erect|supine|portable)?"
    r"|(lateral|frontal|front|side)[ _-]?(view)?|views?[ _-]?\w{1,3}|erect|supine|portable|bedside"
    r"|upright|decubitus|left|right|正位|侧位|后前位|前后位"
    # Sex and age.
    r"|m|f|w|male|female|males|females|man|men|woman|women|boys?|girls?|sex[ _-]?\w|男性?|女性?"
    r"|adults?|child|children|kids?|infants?|elderly|young|old|p(a)?ediatrics?|成人|儿童|小儿|老年"
    r"|ages?[ _-]?[\d_<>+-]+|\d+[ _-]\d+(y|yr|years)?|(over|under|above|below)[ _-]?\d+"
    # Sites.
    r"|(hospital|hosp|clinic|site|cent(er|re)|institution|institute|ward|department|dept|source"
    r"|country|city|h)[ _#-]?(\d+|[a-z])|.*(hospital|clinic|university|医院|中心|院区)"
    r"|hospital.*|医院.*|中心.*|(\w{1,3})院"
    # Machines.
    r"|cr|dr|dx|rf|ge|siemens|philips|fuji(film)?|canon|agfa|carestream|konica|kodak|samsung|hologic"
    r"|(scanner|machine|device|detector)[ _#-]?\w+"
    # Versions.
    r"|originals?|orig|raw|enhanced|processed|preprocessed|unprocessed|augment(ed|ation)s?|aug|clahe"
    r"|he|resized?|cropped|crop|denoised|equali[sz]ed|normali[sz]ed|filtered|inverted|flipped|rotated"
    r"|synthetic|generated|fake|real|gan|segmented|high[ _-]?(res|quality)|low[ _-]?(res|quality)"
    r"|hd|sd|good|bad|poor|(original|enhanced|raw|processed|augmented|resized|clahe|cropped)[ _-]"
    r"(images?|data|version|\d+)|\d+(px|p|x\d+)|v(ersion)?[ _-]?\d+(\.\d+)*|原始|原图|增强|处理后?"
    r"|png|jpe?g|tiff?|dicom|dcm|bmp"
    # Experts.
    r"|(reader|observer|rater|radiologist|annotator|doctor)[ _#-]?\w+",
    re.IGNORECASE,
)
_MOSTLY = 0.8  # of the names of a level
_HALF = 0.5
_MOST_NAMES = 2000  # that are looked at


def is_patient(name: str) -> bool:
    """Tell if a folder is called like a patient."""
    return _PATIENT.fullmatch(name) is not None


def is_group(name: str) -> bool:
    """Tell if a folder is called like a study, batch, view, sex, age, site, machine or version."""
    return bool(_STUDY_OR_BATCH.fullmatch(name) or _GROUP.fullmatch(name))


def kind_of_names(names: Collection[str]) -> NameKind:
    """Tell what the folders of a level are called like."""
    # Of a hundred thousand patients some are enough.
    some = sorted(names)[:: -(-len(names) // _MOST_NAMES) or 1]
    kinds = Counter(_kind_of(name) for name in some)
    n = len(some)
    if not n:
        return "other"
    if kinds["never"] >= _MOSTLY * n:
        return "never"
    if kinds["never"] + kinds["group"] >= _MOSTLY * n:
        return "group"
    return "class" if kinds["class"] >= _HALF * n else "other"


def _kind_of(name: str) -> NameKind:
    text = unicodedata.normalize("NFKC", name).strip()
    if _PATIENT.fullmatch(text) or _NEVER.fullmatch(text):
        return "never"
    if _GROUP.fullmatch(text):
        return "group"
    if _is_finding(text):
        return "class"
    return "never" if _DATED.fullmatch(text) else "other"


def spelling(name: str) -> str:
    """Return a class name without case, blanks, hyphens and full-width letters.

    A plus or minus at the end counts: "TB+" and "TB-" are two classes.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    sign = folded[-1:] if folded[-1:] in ("+", "-") else ""
    plain = "".join(letter for letter in folded if letter.isalnum())
    return {"covid": "covid19"}.get(plain, plain) + sign if plain else name

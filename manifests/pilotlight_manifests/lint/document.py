"""A YAML stream as Kubernetes objects, with the lines that they stand on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from pilotlight.errors import ManifestError
from pilotlight_manifests.lint.field import Content, Field, Scalar

Loader = yaml.SafeLoader | yaml.CSafeLoader

MAX_DEPTH = 100
"""Levels of nesting; Kubernetes' own decoder stops deeper down, real objects end at 20."""

MAX_FAST_DEPTH = 8000

_SEPARATOR = re.compile(r"---(\s|$)")
_INDENT = re.compile(r"^[ \t?:-]+", re.MULTILINE)

IGNORE = re.compile(r"#\s*lint:\s*ignore\s+([a-z0-9-]+(?:[\s,]+[a-z0-9-]+)*)")


@dataclass(frozen=True)
class Document:
    """A Kubernetes object and where it was written.

    Attributes:
        ignored: The rules that comments turn off: by line, and under 0 for the whole document.
    """

    file: str
    root: Field
    ignored: dict[int, frozenset[str]]

    @property
    def api(self) -> str:
        return self.root.at("apiVersion").text or ""

    @property
    def group(self) -> str:
        return self.api.partition("/")[0] if "/" in self.api else ""

    @property
    def kind(self) -> str:
        return self.root.at("kind").text or ""

    @property
    def name(self) -> str:
        metadata = self.root.at("metadata")
        return metadata.at("name").text or metadata.at("generateName").text or "?"

    @property
    def namespace(self) -> str | None:
        return self.root.at("metadata", "namespace").text

    @property
    def spec(self) -> Field:
        return self.root.at("spec")

    @property
    def annotations(self) -> dict[str, Field]:
        return self.root.at("metadata", "annotations").fields

    @property
    def labels(self) -> dict[str, str]:
        return self.root.at("metadata", "labels").texts

    @property
    def title(self) -> str:
        """``InferenceService chat/llama``."""
        return f"{self.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"

    def near(self, other: "Document") -> bool:
        """Whether both may be in the same namespace: one that names none fits everywhere."""
        return None in {self.namespace, other.namespace} or self.namespace == other.namespace

    def ignores(self, rule: str) -> bool:
        """Whether a comment turns the rule off for the whole document."""
        return rule in self.ignored.get(0, ())

    @property
    def silenced(self) -> Iterator[tuple[int, str]]:
        """The lines on which comments turn rules off."""
        return ((line, rule) for line, rules in self.ignored.items() for rule in rules)


def parse(text: str, file: str) -> Iterator[Document]:
    """The Kubernetes objects of a YAML stream; other content is passed over.

    Raises:
        ManifestError: The text is not YAML.
    """
    comments = _comments(text)
    try:
        loader = _loader(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                if node is not None:
                    root = _Reader(loader, file).read(node)
                    yield from _objects(root, file, _ignored(comments, root.line, text))
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        raise ManifestError(f"{file}: not YAML: {_problem(error)}") from error
    except RecursionError as error:
        raise ManifestError(f"{file}: nested too deeply to be a Kubernetes object") from error


def _problem(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    return f"line {mark.line + 1}: {problem}" if mark is not None else problem


def _objects(root: Field, file: str, ignored: dict[int, frozenset[str]]) -> Iterator[Document]:
    document = Document(file, root, ignored)
    if not document.api or not document.kind:
        return
    if document.kind.endswith("List") and root.at("items").items:
        for item in root.at("items").items:
            yield from _objects(item, file, ignored)
    else:
        yield document


def _loader(text: str) -> Loader:
    """libyaml's loader, ten times as fast, unless its recursion in C could overflow the stack."""
    brackets = text.count("[") + text.count("{")
    indents = max((len(i) for i in _INDENT.findall(text)), default=0)
    deep = brackets + indents > MAX_FAST_DEPTH or not yaml.__with_libyaml__
    return yaml.SafeLoader(text) if deep else yaml.CSafeLoader(text)


@dataclass
class _Reader:
    """Nodes as fields. An alias is the same node again, and becomes the same field."""

    loader: Loader
    file: str
    known: dict[int, Field] = field(default_factory=dict)

    def read(self, node: yaml.Node, depth: int = 0) -> Field:
        if id(node) in self.known:
            return self.known[id(node)]
        # An alias inside of its own anchor never ends.
        if depth > MAX_DEPTH:
            raise RecursionError
        made = self._made(node.start_mark.line + 1, self._content(node, depth))
        self.known[id(node)] = made
        return made

    def _made(self, line: int, content: Content) -> Field:
        return Field(line, content, given=True, file=self.file)

    def _content(self, node: yaml.Node, depth: int) -> Content:
        if isinstance(node, yaml.MappingNode):
            self.loader.flatten_mapping(node)
            # What a person points at is the line of the name, also where a block follows it.
            return {
                key.value: self._made(key.start_mark.line + 1, self.read(value, depth + 1).content)
                for key, value in node.value
                if isinstance(key, yaml.ScalarNode)
            }
        if isinstance(node, yaml.SequenceNode):
            return [self.read(value, depth + 1) for value in node.value]
        return _scalar(node, self.loader) if isinstance(node, yaml.ScalarNode) else None


def _scalar(node: yaml.ScalarNode, loader: Loader) -> Scalar:
    kind = node.tag.rpartition(":")[2]
    if kind in {"int", "float", "bool", "null"}:
        try:
            made = loader.construct_object(node)
        except (ValueError, KeyError, yaml.YAMLError):
            return str(node.value)
        return made if isinstance(made, str | int | float | bool) else None
    return str(node.value)


@dataclass(frozen=True)
class _Comment:
    line: int
    target: int
    rules: frozenset[str]


def _comments(text: str) -> list[_Comment]:
    """The comments that turn rules off; one on a line of its own speaks for the line below."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = IGNORE.search(line)
        if match:
            target = number + 1 if line.lstrip().startswith("#") else number
            found.append(_Comment(number, target, frozenset(re.split(r"[\s,]+", match[1]))))
    return found


def _ignored(comments: list[_Comment], content: int, text: str) -> dict[int, frozenset[str]]:
    """Those of the document that begins on a line; a comment above that counts for all of it."""
    if not comments:
        return {}
    lines = text.splitlines()
    ends = [n for n, line in enumerate(lines, 1) if _SEPARATOR.match(line)]
    began = max((n for n in ends if n <= content), default=0)
    # Comments above the first "---" belong to the document below it.
    began = began if any(map(_says_something, lines[:began])) else 0
    ended = min((n for n in ends if n > content), default=len(lines) + 1)
    ignored: dict[int, frozenset[str]] = {}
    for comment in comments:
        if began <= comment.line < ended:
            place = 0 if comment.line < content else comment.target
            ignored[place] = ignored.get(place, frozenset()) | comment.rules
    return ignored


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("#", "---", "%"))

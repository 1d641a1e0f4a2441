"""vLLM's errors in one line each."""


def one_line(error: BaseException) -> str:
    """The message of an error, on one line, naming the field if pydantic rejected one."""
    details = getattr(error, "errors", None)
    if callable(details):
        first = details()[0]
        field = ".".join(str(part) for part in first["loc"])
        return f"{field}: {first['msg']}" if field else str(first["msg"])
    text = " ".join(str(error).split())
    return text or type(error).__name__

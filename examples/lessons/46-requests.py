"""46 The client of 46-http-client.ts in Python, by the package requests."""

import sys

import requests

base, secure = sys.argv[1:]


def read(name, send):
    try:
        text = send().text
    except requests.exceptions.RequestException as error:
        text = type(error).__name__
    print(f"{name}: {text}")


read(
    "query, header, cookie",
    lambda: requests.get(base, params={"q": "TSGI"}, headers={"User-Agent": "my-client"}, cookies={"a": "1"}),
)
read("json", lambda: requests.post(base, json={"key": "value"}))
read("form", lambda: requests.post(base, data={"key": "v 中"}))
read("file", lambda: requests.post(f"{base}/file", files={"file": ("a.txt", b"hello")}))
read("timeout", lambda: requests.get(f"{base}/slow", timeout=0.3))
read("certificate", lambda: requests.get(secure))

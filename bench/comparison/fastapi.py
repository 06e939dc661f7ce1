"""The application in FastAPI, with pydantic, Jinja2 and the sessions of Starlette."""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import socket
import sqlite3
import sys
import threading
from pathlib import Path as FilePath
from typing import List

import uvicorn
from fastapi import Depends, FastAPI, File, Form, HTTPException, Query, Request, UploadFile
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.templating import Jinja2Templates
from pydantic import BaseModel, Field, ValidationError
from starlette.middleware.sessions import SessionMiddleware

HERE = FilePath(__file__).parent
MAX_FILE_BYTES = 64 * 1024


class NoteInput(BaseModel):
    title: str = Field(min_length=1, max_length=40)
    text: str = Field(max_length=1000)


class Note(NoteInput):
    id: int


db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
db.row_factory = sqlite3.Row
db.executescript((HERE / "migrations/0001-notes.sql").read_text())
listeners = set()


def latest(limit):
    return db.execute("SELECT id, title, text FROM note ORDER BY id DESC LIMIT ?", (limit,)).fetchall()


def add_note(note):
    cursor = db.execute("INSERT INTO note (title, text) VALUES (?, ?)", (note.title, note.text))
    added = Note(id=cursor.lastrowid, title=note.title, text=note.text)
    for queue in listeners:
        queue.put_nowait(added)
    return added


def hash_password(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1, dklen=32)


SALT = secrets.token_bytes(16)
USERS = {"ann": hash_password("correct horse", SALT)}
UNKNOWN = hash_password("", SALT)


def is_right(name, password):
    same = hmac.compare_digest(hash_password(password, SALT), USERS.get(name, UNKNOWN))
    return same and name in USERS


def signed_in(request: Request) -> str:
    if "name" not in request.session:
        raise HTTPException(401, "Log in first")
    return request.session["name"]


app = FastAPI(title="Notes", version="1.0.0")
key = os.environ.get("SESSION_KEY", "a key for development, of 32 characters or more")
app.add_middleware(SessionMiddleware, secret_key=key, same_site="lax", https_only=True)
templates = Jinja2Templates(directory=str(HERE / "views/fastapi"))


def page(request, view, status=200, **data):
    return templates.TemplateResponse(view, {"request": request, **data}, status_code=status)


@app.get("/", include_in_schema=False)
async def index(request: Request):
    return page(request, "index.html", title="Notes", name=request.session.get("name"), notes=latest(20))


@app.get("/notes/new", include_in_schema=False)
async def new(request: Request):
    return page(request, "new.html", title="New note", values={}, errors={})


@app.post("/notes/new", include_in_schema=False)
async def create(request: Request, title: str = Form(""), text: str = Form("")):
    values = {"title": title, "text": text}
    try:
        note = NoteInput(**values)
    except ValidationError as error:
        errors = {mistake["loc"][0]: mistake["msg"] for mistake in error.errors()}
        return page(request, "new.html", 422, title="New note", values=values, errors=errors)
    add_note(note)
    return RedirectResponse("/", 303)


@app.get("/login", include_in_schema=False)
async def show_login(request: Request):
    return page(request, "login.html", title="Log in", name="")


@app.post("/login", include_in_schema=False)
def login(request: Request, name: str = Form(), password: str = Form()):
    if not is_right(name, password):
        return page(request, "login.html", 422, title="Log in", name=name, error="Wrong name or password")
    request.session["name"] = name
    return RedirectResponse("/", 303)


@app.post("/logout", include_in_schema=False)
async def logout(request: Request):
    request.session.clear()
    return RedirectResponse("/", 303)


@app.get("/api/notes", response_model=List[Note])
async def list_notes(limit: int = Query(20, ge=1, le=100)):
    return [dict(row) for row in latest(limit)]


@app.get("/api/notes/{id}", response_model=Note)
async def show_note(id: int):
    row = db.execute("SELECT id, title, text FROM note WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise HTTPException(404, "There is no such note")
    return dict(row)


@app.post("/api/notes", response_model=Note, status_code=201)
async def create_note(note: NoteInput):
    return add_note(note)


@app.post("/upload", include_in_schema=False, status_code=201)
async def upload(user: str = Depends(signed_in), file: UploadFile = File()):
    content = await file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise HTTPException(413, "The file is too large")
    return {"name": file.filename, "size": len(content), "user": user}


@app.get("/events", include_in_schema=False)
async def events():
    async def stream():
        queue = asyncio.Queue()
        listeners.add(queue)
        try:
            while True:
                note = await queue.get()
                yield f"event: note\ndata: {json.dumps(note.dict())}\n\n"
        finally:
            listeners.discard(queue)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"cache-control": "no-store"})


def exit_at_end_of_input():
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=exit_at_end_of_input, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])

"""The web application of one project: routes, page and rules put together."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse, Response

from foveal import __version__
from foveal.annotate import failures
from foveal.annotate.desk import Desk, Reader
from foveal.annotate.routes import accounts, cases, disputes, exports, login, project
from foveal.annotate.security import Guarded, Rules

STATIC = Path(__file__).parent / "static"
API = "/api/v1"
NO_PAGE = (
    "<!doctype html><title>Foveal</title><p>The page has not been built. In a checkout of the "
    "source: <code>make frontend</code>."
)
ASSETS = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".woff2": "font/woff2",
}


def create_app(desk: Desk, static: Path = STATIC) -> FastAPI:
    """The application without the rules of `security`; servers run `guarded`."""
    app = FastAPI(
        title="Foveal", version=__version__, openapi_url=None, docs_url=None, redoc_url=None
    )
    app.state.desk = desk
    failures.install(app)
    api = APIRouter(prefix=API)
    for module in (login, accounts, cases, disputes, project, exports):
        api.include_router(module.router)

    @api.get("/openapi.json", include_in_schema=False)
    def openapi(asking: Reader) -> JSONResponse:
        return JSONResponse(app.openapi())

    app.include_router(api)
    _serve_page(app, static)
    return app


def guarded(desk: Desk, rules: Rules, static: Path = STATIC) -> Guarded:
    """The application as it is served."""
    return Guarded(create_app(desk, static), rules)


def _serve_page(app: FastAPI, static: Path) -> None:
    """Files by their listed names only: a request never becomes a path."""
    files = {path.name: path for path in (static / "assets").glob("*") if path.is_file()}

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        index = static / "index.html"
        if not index.is_file():
            return Response(NO_PAGE, media_type="text/html")
        return FileResponse(index, media_type="text/html")

    @app.get("/assets/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        path = files.get(name)
        if path is None:
            return failures.failure(404, "unknown", "There is nothing here.")
        kind = ASSETS.get(path.suffix, "application/octet-stream")
        forever = {"cache-control": "public, max-age=31536000, immutable"}
        return FileResponse(path, media_type=kind, headers=forever)

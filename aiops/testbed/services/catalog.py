"""Products: from the cache where it has them, else from the database."""

import json
import zlib
from typing import Any

from valkey.exceptions import ValkeyError

from aiops.testbed.service import Answer, Refusal, Request, Service


async def products(shop: Service, request: Request) -> Answer:
    page = int(request.query.get("page", 0))
    rows = await shop.sql("products", "SELECT sku, title, price FROM products ORDER BY sku "
                                      "LIMIT 20 OFFSET %s", page * 20)
    return {"products": [_product(row) for row in rows]}


async def product(shop: Service, request: Request) -> Answer:
    sku = int(request.parts["id"])
    try:
        cached = await shop.cache("GET", f"product:{sku}")
    except (ValkeyError, OSError) as error:
        shop.instruments.count("app.cache.requests", app__cache__result="error")
        shop.log.warning("cache unavailable, reading from the database: %s",
                         type(error).__name__)
        return _priced(shop, await _read(shop, sku))
    shop.instruments.count("app.cache.requests", app__cache__result="hit" if cached else "miss")
    if cached:
        return _priced(shop, json.loads(cached))
    found = await _read(shop, sku)
    await shop.cache("SET", f"product:{sku}", json.dumps(found), "EX", 30)
    return _priced(shop, found)


async def search(shop: Service, request: Request) -> Answer:
    category = zlib.crc32(request.query.get("q", "").encode()) % 50
    rows = await shop.sql("products", "SELECT sku, title, price FROM products "
                                      "WHERE category = %s ORDER BY price LIMIT 10", category)
    return {"products": [_product(row) for row in rows]}


async def _read(shop: Service, sku: int) -> dict[str, Any]:
    rows = await shop.sql("products", "SELECT sku, title, price FROM products WHERE sku = %s",
                          sku)
    if not rows:
        raise Refusal(404, "no such product")
    return _product(rows[0])


def _product(row: tuple[Any, ...]) -> dict[str, Any]:
    return {"sku": row[0], "title": row[1], "price": float(row[2])}


def _priced(shop: Service, found: dict[str, Any]) -> dict[str, Any]:
    wrong = shop.hooks.on.get("wrong")
    return {**found, "price": round(found["price"] * wrong["factor"], 2)} if wrong else found


ROUTES = {("GET", "/products"): products, ("GET", "/product/{id}"): product,
          ("GET", "/search"): search}

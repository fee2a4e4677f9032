"""Carts, kept in the cache alone."""

import json

from aiops.testbed.service import Answer, Request, Service


async def add(shop: Service, request: Request) -> Answer:
    key, sku = f"cart:{request.parts['user']}", request.body["sku"]
    found = await shop.http("catalog", "GET", "/product/{id}", id=sku)
    await shop.cache("HSET", key, sku, json.dumps({"quantity": 1, "price": found["price"]}))
    await shop.cache("EXPIRE", key, 600)
    shop.instruments.count("app.cart.items")
    shop.log.info("item added to cart", extra={"otel": {"app.sku": sku}})
    return {"ok": True}


async def show(shop: Service, request: Request) -> Answer:
    flat = await shop.cache("HGETALL", f"cart:{request.parts['user']}")
    pairs = flat.items() if isinstance(flat, dict) else zip(flat[::2], flat[1::2], strict=True)
    return {"items": [{"sku": int(sku), **json.loads(item)} for sku, item in pairs]}


async def clear(shop: Service, request: Request) -> Answer:
    await shop.cache("DEL", f"cart:{request.parts['user']}")
    return {"ok": True}


ROUTES = {("POST", "/cart/{user}"): add, ("GET", "/cart/{user}"): show,
          ("DELETE", "/cart/{user}"): clear}

"""The shop's front door."""

import asyncio

from aiops.testbed.service import Answer, Request, Service


async def home(shop: Service, request: Request) -> Answer:
    products, picks = await asyncio.gather(
        shop.http("catalog", "GET", "/products", query="?page=0"),
        shop.http("recommendation", "GET", "/recommend/{user}", user=request.user))
    return {"products": products["products"], "recommended": picks["skus"]}


async def product(shop: Service, request: Request) -> Answer:
    sku = int(request.parts["id"])
    found, stock = await asyncio.gather(
        shop.http("catalog", "GET", "/product/{id}", id=sku),
        shop.rpc("inventory", "GetStock", {"sku": sku}))
    return {**found, **stock}


async def search(shop: Service, request: Request) -> Answer:
    word = request.query.get("q", "")
    return await shop.http("catalog", "GET", "/search", query=f"?q={word}")


async def add(shop: Service, request: Request) -> Answer:
    return await shop.http("cart", "POST", "/cart/{user}", request.body, user=request.user)


async def cart(shop: Service, request: Request) -> Answer:
    return await shop.http("cart", "GET", "/cart/{user}", user=request.user)


async def checkout(shop: Service, request: Request) -> Answer:
    return await shop.http("checkout", "POST", "/checkout/{user}", {}, user=request.user)


ROUTES = {("GET", "/"): home, ("GET", "/product/{id}"): product, ("GET", "/search"): search,
          ("POST", "/cart"): add, ("GET", "/cart"): cart, ("POST", "/checkout"): checkout}

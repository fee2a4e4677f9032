"""Stock levels."""

from aiops.testbed.service import Answer, Request, Service


async def get_stock(shop: Service, request: Request) -> Answer:
    rows = await shop.sql("stock", "SELECT quantity FROM stock WHERE sku = %s",
                          request.body["sku"])
    return {"stock": rows[0][0] if rows else 0}


async def reserve(shop: Service, request: Request) -> Answer:
    for sku in sorted(request.body["skus"]):  # one order everywhere: no deadlock
        await shop.sql("stock", "UPDATE stock SET quantity = quantity - 1 WHERE sku = %s", sku)
    return {"ok": True}


METHODS = {"GetStock": get_stock, "Reserve": reserve}

"""What a user bought most."""

from valkey.exceptions import ValkeyError

from aiops.testbed.service import Answer, Request, Service


async def recommend(shop: Service, request: Request) -> Answer:
    rows = await shop.sql("orders", "SELECT sku, count(*) FROM orders WHERE user_id = %s "
                                    "GROUP BY sku ORDER BY 2 DESC LIMIT 5",
                          int(request.parts["user"]))
    try:
        await shop.cache("INCR", "recommendations")
    except (ValkeyError, OSError) as error:
        shop.log.warning("counter unavailable: %s", type(error).__name__)
    return {"skus": [sku for sku, _ in rows] or [1, 2, 3]}


ROUTES = {("GET", "/recommend/{user}"): recommend}

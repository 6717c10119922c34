"""The review page: one listing beside the SKUs that it may be, one key for each answer."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import action

from inventory_sync.backoffice import review, words
from skumap.models import Listing

DONE, LATER = "review_done", "review_later"
REMEMBERED = 50


class ReviewPages:
    """Mixin of the listings' admin."""

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.review_page)  # type: ignore[attr-defined]
        return [path("review/", page, name="skumap_listing_review"), *super().get_urls()]  # type: ignore[misc]

    @action(description="Review", url_path="go-review", permissions=["match"], icon="checklist", variant="primary")
    def go_review(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:skumap_listing_review"))

    def review_page(self, request: HttpRequest) -> HttpResponse:
        """GET shows the next listing, POST takes the answer and goes on."""
        if not self.has_match_permission(request):  # type: ignore[attr-defined]
            return HttpResponse("You may not decide what a listing is.", status=403)
        if request.method == "POST":
            try:
                self._answer(request)
            except (review.ReviewError, Listing.DoesNotExist, ValueError) as error:
                messages.error(request, f"{str(error)[:1].upper()}{str(error)[1:]}.")
            return HttpResponseRedirect(request.get_full_path())
        return self._show(request)

    def _show(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        queue = review.queue(now=now)
        later = request.session.get(LATER, [])
        wanted = request.GET.get("listing", "")
        listing = queue.listings.filter(pk=wanted).first() if wanted.isdigit() else None
        listing = listing or queue.listings.exclude(pk__in=later).first()
        if listing is None and later:
            request.session[LATER] = []
            listing = queue.listings.first()
        done = request.session.get(DONE, [])
        last = Listing.objects.filter(pk=done[-1]).first() if done else None
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.opts,  # type: ignore[attr-defined]
            "title": "Review listings",
            "subtitle": None,
            "listing": listing,
            "candidates": listing.candidates.select_related("sku").order_by("rank")[: review.SUGGESTIONS]
            if listing
            else [],
            "count": queue.count,
            "urgent": queue.waiting_orders,
            "last": last,
            "media": self.media,  # type: ignore[attr-defined]
        }
        request.current_app = self.admin_site.name  # type: ignore[attr-defined]
        return TemplateResponse(request, "backoffice/review.html", context)

    def _answer(self, request: HttpRequest) -> None:
        now, answer = timezone.now(), request.POST.get("answer", "")
        if answer == "undo":
            self._undo(request)
            return
        listing = Listing.objects.get(pk=int(request.POST.get("listing", "0")))
        if answer == "later":
            request.session[LATER] = [*request.session.get(LATER, []), listing.pk][-500:]
            return
        if answer == "link":
            review.link(
                listing_id=listing.pk,
                sku_id=int(request.POST.get("sku") or 0),
                units_per_sale=int(request.POST.get("units_per_sale") or 1),
                now=now,
                actor=request.user,
                reason="reviewed",
            )
        elif answer == "new":
            review.link_to_new(listing_id=listing.pk, code=request.POST.get("code", ""), now=now, actor=request.user)
        elif answer == "ignore":
            review.ignore(listing_id=listing.pk, now=now)
        else:
            raise review.ReviewError("that is not an answer")
        listing.refresh_from_db()
        self.log_change(request, listing, f"Reviewed: {answer}")  # type: ignore[attr-defined]
        request.session[DONE] = [*request.session.get(DONE, []), listing.pk][-REMEMBERED:]
        messages.success(request, f"{listing}: {f'linked to {listing.sku}' if listing.sku else 'ignored'}.")

    def _undo(self, request: HttpRequest) -> None:
        done = request.session.get(DONE, [])
        if not done:
            raise review.ReviewError("there is nothing to take back")
        *earlier, last = done
        request.session[DONE] = earlier
        kept = review.take_back(listing_id=last, now=timezone.now())
        text = f"{Listing.objects.get(pk=last)} waits for its review again."
        if kept:
            text += f" {words.count(kept, 'order line')} that blocked stock meanwhile {'keeps' if kept == 1 else 'keep'} it."
        messages.info(request, text)

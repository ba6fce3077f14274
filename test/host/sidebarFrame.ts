import type { Locator, Page } from "playwright-core";

/** The page of Tandem's sidebar, told from answers and other webviews by its place. */
export function sidebarIn(page: Page): Locator {
  return page
    .frameLocator('iframe.webview.ready[src*="purpose=webviewView"]')
    .frameLocator("#active-frame")
    .locator("body");
}

/** Clicks Tandem's icon in the activity bar: the view opens, or closes when it is open. */
export async function clickActivity(page: Page, title: string): Promise<void> {
  await page
    .locator(".activitybar .action-item", { has: page.locator(`[aria-label^="${title}"]`) })
    .first()
    .click();
}
